"""docs/results.md and its Korean page: one table of the gallery's rows, in two languages."""

from pathlib import Path

from twintrain.report import gallery_table

PAGE, KOREAN_PAGE = Path("docs/results.md"), Path("docs/ko/results.md")
WRITTEN = "Written by `make gallery{arguments}`;"
HEAD = """# Results

{written} figures are of the test rows, each preset as it is in `conf/presets/`.

- Scores are accuracy, unless another figure is named.
- *documents*: what the course documents have. *baseline*: scikit-learn on the same split. *target*: what both
  frameworks should reach.
- *s*: seconds of training in PyTorch / in Keras, on {cores} CPU cores ({machine}), with other work beside it. This is
  no benchmark; `make bench` is one, on a quiet machine.
- *runs*: the first characters of the MLflow runs, in the experiment `gallery` of the store where they were made.

Where only one framework misses a target, float32's rounding has grown in a long training: other last digits, another
best epoch ([why](why-results-differ.md)).

{table}
{failed}"""
KOREAN_HEAD = """# 결과

[English](../results.md) · [용어](glossary.md)

`make gallery{arguments}`가 쓴 표입니다. 수치는 테스트 행에서 잰 것이며,
프리셋은 모두 `conf/presets/`에 있는 그대로입니다.

- 다른 지표가 적혀 있지 않으면 점수는 정확도입니다.
- *강의*: 강의 자료에 있는 값. *기준 모델*: 같은 분할에서 scikit-learn이 얻은 값.
  *목표*: 두 프레임워크가 모두 이르러야 하는 값.
- *초*: PyTorch / Keras의 학습 시간(초). CPU 코어 {cores}개({machine})에서 다른 작업과
  함께 잰 값이므로 벤치마크가 아닙니다. 벤치마크는 조용한 컴퓨터에서 `make bench`로 합니다.
- *실행*: MLflow 실행 ID의 앞부분. 실행을 기록한 저장소의 실험 `gallery`에 있습니다.

한 프레임워크만 목표에 이르지 못했다면, 긴 학습에서 float32의 반올림 오차가 커진 것입니다.
마지막 자릿수가 달라지고, 가장 좋은 에포크도 달라집니다([이유](why-results-differ.md)).

{table}
{failed}"""
NOT_RUN, KOREAN_NOT_RUN = "Not run:", "실행하지 못한 프리셋:"
KOREAN_HEADINGS = ("시스템", "프리셋", "강의", "PyTorch", "Keras", "기준 모델", "목표", "초", "실행")
# The words of conf/gallery.yaml.
KOREAN = {
    "AND gate, one layer": "AND 게이트, 한 층",
    "OR gate, one layer": "OR 게이트, 한 층",
    "NAND gate, one layer": "NAND 게이트, 한 층",
    "XOR, one layer": "XOR, 한 층",
    "Car Evaluation, embeddings": "Car Evaluation, 임베딩",
    "Car Evaluation, tuned": "Car Evaluation, 조정한 것",
    "Pima diabetes, 8-6-4-1": "Pima 당뇨병, 8-6-4-1",
    "Pima diabetes, tuned": "Pima 당뇨병, 조정한 것",
    "diabetes, the course's scaled file": "당뇨병, 강의에서 스케일링한 파일",
    "Airline satisfaction, DNN": "항공사 만족도, DNN",
    "Keras CNN, 5,000 digits": "Keras CNN, 숫자 5,000개",
    "MNIST, seven-layer MLP": "MNIST, 일곱 층 MLP",
    "Fashion-MNIST, seven-layer MLP": "Fashion-MNIST, 일곱 층 MLP",
    "CIFAR-10, seven-layer MLP": "CIFAR-10, 일곱 층 MLP",
    "CIFAR-10, AlexNet's form": "CIFAR-10, AlexNet 구조",
    "CIFAR-10, MobileNetV2's form": "CIFAR-10, MobileNetV2 구조",
    "CIFAR-10, ResNet-18's form": "CIFAR-10, ResNet-18 구조",
    "Vision transformer, 5,000 digits": "비전 트랜스포머, 숫자 5,000개",
    "Two targets of one network, 5,000 digits": "한 신경망의 두 목표, 숫자 5,000개",
    "Time series, linear": "시계열, 선형",
    "Time series, LSTM": "시계열, LSTM",
    "Time series, transformer encoder": "시계열, 트랜스포머 인코더",
    "Autoencoder, 5,000 digits": "오토인코더, 숫자 5,000개",
    "U-Net, noisy digits": "U-Net, 잡음 섞인 숫자",
    "Diabetes progression, regression": "당뇨병 진행도, 회귀",
    "Made-up reviews, mean of word vectors": "만들어 낸 리뷰, 단어 벡터의 평균",
    "Made-up reviews, LSTM": "만들어 낸 리뷰, LSTM",
    "Made-up reviews, transformer encoder": "만들어 낸 리뷰, 트랜스포머 인코더",
    "none": "없음",
    "4/4, weights chosen by hand": "4/4, 손으로 정한 가중치",
    "cannot be learned": "학습할 수 없음",
    "0.76, of 1,728 rows against 6,912 labels": "0.76, 1,728행을 레이블 6,912개와 비교",
    "scored on its training rows": "훈련 행으로 채점",
    "compared with its own predictions": "자신의 예측과 비교",
    "on cifar10_subset": "cifar10_subset으로",
    "the naive forecast: 0.0218": "단순 예측: 0.0218",
}


def pages(
    rows: list[dict[str, str]], failed: dict[str, str], arguments: str, cores: int | None, machine: str
) -> dict[Path, str]:
    """Both pages by their paths.

    Args:
        rows: those of `gallery_table.row`.
        failed: why presets did not run, by their names.
        arguments: what the command was called with beside `make gallery`; "": nothing.
        cores: of the machine that the rows were made on, and `machine` its kind.
    """
    place = {"arguments": arguments, "cores": cores, "machine": machine}
    korean = gallery_table.table([_in_korean(row) for row in rows])
    for heading, word in zip(gallery_table.HEADINGS, KOREAN_HEADINGS, strict=True):
        korean = korean.replace(f"| {heading} |", f"| {word} |", 1)
    return {
        PAGE: HEAD.format(
            **place,
            written=WRITTEN.format(arguments=arguments),
            table=gallery_table.table(rows),
            failed=_failed(NOT_RUN, failed),
        ),
        KOREAN_PAGE: KOREAN_HEAD.format(**place, table=korean, failed=_failed(KOREAN_NOT_RUN, failed)),
    }


def _in_korean(row: dict[str, str]) -> dict[str, str]:
    """The same figures; words that have no Korean ones stay."""
    preset, mark, note = row["preset"].partition(" (")
    words = {name: KOREAN.get(row[name], row[name]) for name in ("system", "documents")}
    if mark:
        words["preset"] = f"{preset} ({KOREAN.get(note[:-1], note[:-1])})"
    return {**row, **words}


def _failed(title: str, failed: dict[str, str]) -> str:
    lines = [f"- `{name}`: {reason}" for name, reason in failed.items()]
    return "\n".join(["", title, "", *lines, ""]) if failed else ""
