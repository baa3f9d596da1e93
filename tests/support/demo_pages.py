"""What the tests of the demo do with its page."""

from io import BytesIO

from PIL import Image


def check(opened):
    """Nothing leaves the machine, and the console has no error; gradio breaks off its own stream of events."""
    assert [url for url in opened.requests if "//127.0.0.1:" not in url and not url.startswith("data:")] == []
    complaints = [text for text in opened.complaints if not text.startswith("warning: ")]
    assert [text for text in complaints if "/queue/data" not in text] == []


def wait_for(page, text):
    """Waits for an answer that says so."""
    page.wait_for_function("text => document.querySelector('#agreement')?.innerText.includes(text)", arg=text)


def wait_for_all(page, text):
    """Waits for an answer that says so and nothing else."""
    page.wait_for_function("text => document.querySelector('#agreement')?.innerText.trim() === text", arg=text)


def wait_for_ground(page):
    """Waits for the canvas to be black again, which it is some moments after it was cleared."""
    for _ in range(120):
        canvas = Image.open(BytesIO(page.locator("#canvas canvas").first.screenshot())).convert("L")
        if canvas.getpixel((canvas.width // 2, canvas.height // 2)) < 32:
            return
        page.wait_for_timeout(500)
    raise AssertionError("the canvas is not black a minute after it was cleared")


def draw(page, strokes):
    """Draws lines between points, in pixels from the middle of the canvas."""
    box = page.locator("#canvas canvas").first.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for number, (across, down) in enumerate(strokes):
        page.mouse.move(middle[0] + across, middle[1] + down, steps=1 if number == 0 else 10)
        if number == 0:
            page.mouse.down()
    page.mouse.up()
