"""The cards of the encoders whose checkpoint a user has on disk. Imports nothing heavy.

Licenses are those that the publishers state for their own files.
"""

from respbench.features.encoders.encoder import EncoderCard

HUGGING_FACE = ("model.safetensors|pytorch_model.bin", "config.json")
"""What a folder of transformers holds."""

_AUDIOSET = "AudioSet, 527 classes"
_HEALTH = "health sounds of public videos, without labels"
_PUT = "into this folder; nothing is downloaded by a run"


def _folder_of(repository: str) -> str:
    files = f"model.safetensors and config.json of huggingface.co/{repository}"
    return f"make encoders or pip install transformers, then put {files} {_PUT}"


def _opera(
    variant: str, size: int, source: str, *runtime: str, seconds: float | None, step: float = 0.0
) -> EncoderCard:
    file = f"encoder-opera{variant.upper()}"
    return EncoderCard(
        name=f"opera-{variant}",
        target=f"respbench.features.encoders.opera:load_{variant}",
        rate=16000,
        seconds=seconds,
        step=step,
        size=size,
        license="MIT (code), CC BY-NC 4.0 (weights)",
        commercial=False,
        source=f"OPERA-{variant.upper()}, Zhang et al. 2024, {source}",
        trained_on="breath and cough without labels, ICBHI 2017 among them",
        files=(f"{file}.ckpt|{file}.safetensors",),
        runtime=runtime,
        get=f"put {file}.ckpt of huggingface.co/evelyn0414/OPERA {_PUT}",
    )


OWN_CHECKPOINTS = (
    EncoderCard(
        name="ast",
        target="respbench.features.encoders.audio_transformer:load",
        rate=16000,
        seconds=10.24,
        size=768,
        license="BSD 3-Clause",
        commercial=True,
        source="Audio Spectrogram Transformer, Gong et al. 2021",
        trained_on=_AUDIOSET,
        files=HUGGING_FACE,
        runtime=("transformers",),
        get=_folder_of("MIT/ast-finetuned-audioset-10-10-0.4593"),
    ),
    EncoderCard(
        name="beats",
        target="respbench.features.encoders.beats:load",
        rate=16000,
        seconds=10.0,
        size=768,
        license="MIT",
        commercial=True,
        source="BEATs, Chen et al. 2022",
        trained_on="AudioSet, without labels or with 527 classes",
        files=("beats.pt|beats.safetensors",),
        get=f"put BEATs_iter3_plus_AS2M.pt of github.com/microsoft/unilm/tree/master/beats as beats.pt {_PUT}",
    ),
    EncoderCard(
        name="clap",
        target="respbench.features.encoders.clap:load",
        rate=48000,
        seconds=10.0,
        size=512,
        license="Apache 2.0",
        commercial=True,
        source="LAION-CLAP, Wu et al. 2023",
        trained_on="sounds and their captions",
        files=HUGGING_FACE,
        runtime=("transformers",),
        get=_folder_of("laion/clap-htsat-unfused"),
    ),
    EncoderCard(
        name="panns",
        target="respbench.features.encoders.panns:load",
        rate=32000,
        seconds=10.0,
        size=2048,
        license="MIT (code), CC BY 4.0 (weights)",
        commercial=True,
        source="PANNs CNN14, Kong et al. 2020",
        trained_on=_AUDIOSET,
        files=("cnn14.pth|cnn14.safetensors",),
        get=f"put Cnn14_mAP=0.431.pth of zenodo.org/records/3987831 as cnn14.pth {_PUT}",
    ),
    _opera("ct", 768, "contrastive transformer", "transformers", seconds=None),
    _opera("ce", 1280, "contrastive EfficientNet", seconds=None),
    _opera("gt", 384, "generative transformer", seconds=8.18, step=4.09),
    EncoderCard(
        name="hear",
        target="respbench.features.encoders.hear:load",
        rate=16000,
        seconds=2.0,
        size=512,
        license="Health AI Developer Foundations terms",
        commercial=True,
        source="HeAR, Baur et al. 2024",
        trained_on=_HEALTH,
        files=HUGGING_FACE,
        runtime=("transformers",),
        get=_folder_of("google/hear-pytorch"),
    ),
)
