"""Pictures in a terminal that can show them: by kitty's protocol, or as sixels in iTerm2, xterm, foot, WezTerm, …"""

from __future__ import annotations

import os
import termios
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from rich.console import Console

from ..contract.errors import GoldmaskError, printable
from ..contract.image import decode
from .console import out
from .keys import interactive

if TYPE_CHECKING:
    from textual_image.renderable import SixelImage, TGPImage

# Lines that stay for what is told beside the picture.
TEXT_LINES = 12


class Pictures:
    """What shows pictures in this terminal; it is asked once whether it can."""

    def __init__(self) -> None:
        self._image: type[SixelImage | TGPImage] | None = find()

    def show(self, path: Path) -> bool:
        """Show a picture; False where the terminal, or the picture, cannot be used."""
        if self._image is None:
            return False
        # Not our own console, which has text as text: what a picture is made of are no printable characters, and kitty
        # reads its number out of their colour.
        console = Console(
            file=out.file,
            width=out.width,
            height=max(4, out.height - TEXT_LINES),
            color_system="truecolor",
            no_color=False,
        )
        try:
            # Decoded within our own limits: it may come out of somebody's archive.
            console.print(self._image(Image.fromarray(decode(path)), width="auto", height="auto"))
        except (GoldmaskError, OSError, ValueError, termios.error) as error:
            out.print(f"the picture cannot be shown here: {printable(str(error))}", markup=False, highlight=False)
            return False
        return True


def find() -> type[SixelImage | TGPImage] | None:
    """What makes a picture of a file for this terminal; None where it shows none, or is no terminal.

    The terminal is asked, and what does not answer within a tenth of a second cannot. A multiplexer that does not hand
    pictures on answers so itself.
    """
    if not interactive() or os.environ.get("TERM", "dumb") == "dumb" or 0 in os.get_terminal_size():
        return None
    try:
        from textual_image.renderable import Image as chosen  # which asks as it is loaded
        from textual_image.renderable import SixelImage, TGPImage
    except (OSError, ValueError, termios.error):  # a key that was pressed meanwhile, for example
        return None
    return chosen if chosen is SixelImage or chosen is TGPImage else None
