"""The reader of image folders. Pillow makes the images; the reader needs it for GIFs and transparent images alone."""

import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from twintrain.data.dataset import Dataset
from twintrain.data.files import folder_digest
from twintrain.data.readers.reading import read_raw
from twintrain.settings.yaml_files import validated

DAMAGED = "is damaged or cut off: its pixels cannot be decoded"
MEND = "; mend them, or set them aside: ingest.bad_rows: drop"
DESCRIBED = {
    "title": "Demo",
    "origin": "tests",
    "licence": "none",
    "task": "binary",
    "format": "images",
    "files": {"photos/": ""},
    "target": "animal",
    "labels": ["cat", "dog"],
    "image_shape": [4, 6, 3],
}
COLOR = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
GREY = COLOR[..., 0]
RED = Image.new("RGB", (6, 4), (200, 30, 30))


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(files, folder="photos"):
    for name, content in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def read(*names, bad_rows="error", **changes):
    paths = [Path(name) for name in names or ["photos"]]
    return read_raw(paths, validated(Dataset, {**DESCRIBED, **changes}, "demo.yaml"), bad_rows)


def read_one(content, name="x.png", **changes):
    """One image beside another that is good."""
    write({f"cat/{name}": content, "dog/good.png": encoded(COLOR)})
    return read(**changes).array[0]


def near(image, expected, most):
    return np.abs(image.astype(int) - expected.astype(int)).max() <= most


def test_folders_are_classes_and_files_go_by_name():
    write({"dog/b.png": encoded(COLOR), "dog/a.png": encoded(255 - COLOR), "cat/z.png": encoded(COLOR // 2)})
    data = read()
    assert (data.array.dtype, data.array.shape, data.part, data.notes) == (np.uint8, (3, 4, 6, 3), None, ())
    assert np.array_equal(data.array, [COLOR // 2, 255 - COLOR, COLOR])
    assert data.labels.tolist() == [0, 1, 1]


def test_parts_above_the_classes_are_kept():
    write({f"{part}/{label}/x.png": encoded(COLOR) for part in ("train", "val", "test") for label in ("cat", "dog")})
    data = read()
    assert data.part.tolist() == ["test", "test", "train", "train", "train", "train"]
    assert data.labels.tolist() == [0, 1, 0, 1, 0, 1]


def test_archive_is_read_without_being_unpacked():
    with zipfile.ZipFile("animals.zip", "w") as archive:
        for name in ("animals/cat/a.png", "animals/dog/b.png", "__MACOSX/animals/cat/._a.png"):
            archive.writestr(name, encoded(COLOR))
    data = read("animals.zip", files={"animals.zip": ""})
    assert np.array_equal(data.array, [COLOR, COLOR])
    assert [path.name for path in Path().iterdir()] == ["animals.zip"]


def test_what_file_managers_leave_behind_is_no_image():
    write({"cat/a.png": encoded(COLOR), "dog/b.png": encoded(COLOR), "cat/Thumbs.db": b"x", ".DS_Store": b"x"})
    before = folder_digest(Path("photos"))
    assert len(read().labels) == 2
    write({"dog/.hidden": b"y"})
    assert folder_digest(Path("photos")) == before


def test_digest_of_a_folder_changes_with_names_and_contents():
    write({"cat/a.png": b"1", "dog/b.png": b"2"})
    digests = [folder_digest(Path("photos"))]
    write({"dog/b.png": b"3"})
    digests.append(folder_digest(Path("photos")))
    Path("photos/dog/b.png").rename("photos/dog/c.png")
    digests.append(folder_digest(Path("photos")))
    assert len(set(digests)) == 3
    # sha256 of "6b86…  cat/a.png\nd473…  dog/b.png\n", as sha256sum writes it
    assert digests[0] == "dd6812b53122f283bde93ae6358134361a61e0998bdfb5aac4060fb5c8de2267"


# Kinds of images


def test_png_is_exact():
    assert np.array_equal(read_one(encoded(COLOR)), COLOR)


def test_grey_becomes_colour_and_colour_grey():
    assert np.array_equal(read_one(encoded(GREY)), np.repeat(GREY[..., None], 3, axis=2))
    assert np.array_equal(read_one(encoded(GREY), image_shape=[4, 6, 1])[..., 0], GREY)
    expected = np.array(Image.fromarray(COLOR).convert("L"))
    assert near(read_one(encoded(COLOR), image_shape=[4, 6, 1])[..., 0], expected, 1)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_is_as_pillow_decodes_it(mode):
    content = encoded(RED.convert(mode), "JPEG", quality=95)
    expected = np.array(Image.open(io.BytesIO(content)).convert("RGB"))
    assert near(read_one(content, "x.jpg"), expected, 3)


def test_palette_of_a_png_is_looked_up():
    image = Image.fromarray(COLOR).convert("P")
    assert np.array_equal(read_one(encoded(image)), np.array(image.convert("RGB")))


def test_black_and_white_are_0_and_255():
    image = Image.fromarray(GREY).convert("1")
    assert np.array_equal(read_one(encoded(image), image_shape=[4, 6, 1])[..., 0], np.array(image) * 255)


def test_sixteen_bits_become_eight():
    deep = GREY.astype(np.uint16) * 257
    assert np.array_equal(read_one(encoded(deep), image_shape=[4, 6, 1])[..., 0], GREY)


def test_transparent_becomes_white():
    alpha = np.full((4, 6, 1), 255, np.uint8)
    alpha[:2], alpha[2] = 0, 128
    image = read_one(encoded(np.concatenate([COLOR, alpha], axis=2)))
    assert (image[:2] == 255).all()
    assert near(image[2], COLOR[2] * (128 / 255) + 255 * (127 / 255), 1)
    assert np.array_equal(image[3], COLOR[3])


def test_transparent_colour_of_a_palette_becomes_white():
    image = Image.new("P", (6, 4), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((2, 1), 1)
    for kind in ("PNG", "GIF"):
        found = read_one(encoded(image, kind, transparency=0))
        assert found[1, 2].tolist() == [200, 100, 50]
        assert (np.delete(found.reshape(-1, 3), 8, axis=0) == 255).all()


def test_first_frame_of_a_gif_is_taken():
    first, second = Image.new("RGB", (6, 4), (250, 0, 0)), Image.new("RGB", (6, 4), (0, 0, 250))
    image = read_one(encoded(first, "GIF", save_all=True, append_images=[second]), "x.gif")
    assert (image == [250, 0, 0]).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_orientation_of_the_camera_is_applied(kind):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise
    upright = np.zeros((8, 16, 3), np.uint8)
    upright[:, 8:] = 255
    turned = read_one(encoded(upright, kind, exif=exif), image_shape=[16, 8, 3])
    assert turned[:7].max() < 10
    assert turned[-7:].min() > 245


def test_content_decides_and_not_the_ending():
    assert np.array_equal(read_one(encoded(COLOR), "x.jpg"), COLOR)


def test_images_of_other_sizes_are_resized_and_said_so():
    large, flat = np.full((40, 60, 3), 90, np.uint8), np.full((3, 30, 3), 40, np.uint8)
    large[:, 30:] = 200
    write({"cat/a.png": encoded(large), "dog/b.png": encoded(flat), "dog/c.png": encoded(COLOR)})
    data = read()
    assert (data.array[0, :, 0] == 90).all()
    assert (data.array[0, :, -1] == 200).all()
    assert (data.array[1] == 40).all()
    assert np.array_equal(data.array[2], COLOR)
    assert data.notes == (
        "2 images, from 3 × 30 to 40 × 60 pixels, were resized to 4 × 6; of 1 the proportions changed",
    )


# Faults


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"hello", "is no JPEG, PNG, GIF, WebP, BMP or TIFF"),
        (b"", "is no JPEG, PNG, GIF, WebP, BMP or TIFF"),
        (encoded(COLOR, "PPM"), "is no JPEG, PNG, GIF, WebP, BMP or TIFF"),
        (encoded(COLOR)[:60], DAMAGED),
        (encoded(np.tile(COLOR, (9, 9, 1)), "JPEG")[:900], DAMAGED),
    ],
    ids=["text", "empty", "ppm", "cut png", "cut jpeg"],
)
def test_image_that_cannot_be_decoded_is_a_bad_row(content, reason, error_of):
    write({"cat/a.png": encoded(COLOR), "cat/x.png": content, "dog/b.png": encoded(COLOR)})
    assert error_of(read) == f"photos: 1 bad row (row 2: cat/x.png {reason}){MEND}"
    data = read(bad_rows="drop")
    assert (data.labels.tolist(), data.rejected.to_dict()) == ([0, 1], {2: f"cat/x.png {reason}"})


def test_cut_gif_is_a_bad_row(error_of):
    content = encoded(np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8), "GIF")[:1000]
    write({"cat/x.gif": content, "dog/b.png": encoded(COLOR)})
    assert error_of(read).startswith(f"photos: 1 bad row (row 1: cat/x.gif {DAMAGED})")


@pytest.mark.parametrize("side", [11_000, 2_000_000])
def test_image_that_announces_too_many_pixels_is_not_decoded(side, error_of):
    content = bytearray(encoded(COLOR))
    content[16:24] = np.array([side, side], ">u4").tobytes()
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    write({"cat/x.png": bytes(content), "dog/b.png": encoded(COLOR)})
    reason = "cat/x.png has too many pixels; expected at most 100,000,000"
    assert error_of(read) == f"photos: 1 bad row (row 1: {reason}){MEND}"


def test_image_in_no_class_is_a_bad_row(error_of):
    write({"cat/a.png": encoded(COLOR), "dog/b.png": encoded(COLOR), "owl/c.png": encoded(COLOR), "d.png": b"x"})
    message = "row 2: d.png is no JPEG, PNG, GIF, WebP, BMP or TIFF; row 4: unknown label 'owl' in animal"
    assert error_of(read) == f"photos: 2 bad rows ({message}){MEND}"


@pytest.mark.parametrize("folders", [["cat"], ["cat", "dog"]], ids=["missing", "empty"])
def test_class_without_images_is_refused(folders, error_of):
    for folder in folders:
        Path("photos", folder).mkdir(parents=True)
    write({"cat/a.png": encoded(COLOR)})
    assert error_of(read) == "photos: class 'dog' has no images; its folder is missing or empty"


def test_folder_without_images_is_refused(error_of):
    Path("photos").mkdir()
    assert error_of(read) == "photos has no images; expected folders cat, dog"


def test_class_whose_images_are_all_bad_leaves_nothing_to_tell_apart(error_of):
    write({"cat/a.png": encoded(COLOR), "dog/b.png": b"x"})
    message = "photos: expected at least two classes, got only 'cat'; there is nothing to learn"
    assert error_of(read, bad_rows="drop") == message


def test_images_beside_the_parts_are_refused(error_of):
    write({name: encoded(COLOR) for name in ("test/cat/a.png", "test/dog/a.png", "cat/a.png")})
    assert error_of(read) == "photos: expected all images below train/ and test/, or none"


def test_single_file_is_no_folder_of_images(error_of):
    Path("a.png").write_bytes(encoded(COLOR))
    assert error_of(read, "a.png") == "a.png: expected a folder of images, a zip or a tar"


def test_archive_with_an_enormous_file_is_refused(tmp_path, monkeypatch, error_of):
    """Its file would be read at once, whatever the archive as a whole may unpack to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("twintrain.data.readers.images.LARGEST_FILE", 1000)
    with zipfile.ZipFile("animals.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cats/0.png", b"\0" * 1001)
    assert error_of(read, "animals.zip", files={"animals.zip": ""}) == (
        "animals.zip: 'cats/0.png' unpacks to 1,001 bytes; expected 1,000 at most"
    )
