"""How digits are written by hand: the strokes of several styles for each digit.

A style says how often it is seen among the ways of writing that digit, and what the pen does. A
stroke is the points that the pen passes, each ``x,y`` in hundredths of the digit's height, x to
the right and y *down*. A smooth curve is laid through them, with a sharp corner at a point marked
``!``. Between strokes the pen is lifted.
"""

from __future__ import annotations


class Style:
    """One way of writing a digit."""

    def __init__(self, description: str, share: float, *strokes: str) -> None:
        self.description = description
        self.share = share
        self.strokes = strokes


# fmt: off
STYLES: dict[int, tuple[Style, ...]] = {
    0: (
        Style("an oval, closed at the top", 5,
              "50,0 22,12 8,48 20,86 50,100 80,86 92,48 78,12 50,0"),
        Style("the end runs past the beginning, into the oval", 3,
              "66,4 30,8 10,42 16,80 46,100 80,84 90,48 74,14 46,3 34,16"),
        Style("not quite closed", 2,
              "42,2 16,22 8,56 24,90 54,100 84,80 92,44 78,12 58,5"),
        Style("closed at the top right, with a small hook", 1,
              "82,2 62,12 28,14 10,48 20,86 50,100 82,82 90,44 72,14 56,10"),
        Style("the end curls into the oval", 1.5,
              "74,2 36,6 12,40 14,80 42,100 74,86 86,50 76,16 52,6 34,20 44,34"),
    ),
    1: (
        Style("one stroke", 12,
              "50,0 50,34 50,67 50,100"),
        Style("a flag at the top", 1,
              "34,20 46,10 54,0! 52,50 50,100"),
        Style("a flag and a foot", 0.7,
              "30,22 44,12 54,0! 52,50 50,98", "20,100 50,98 80,97"),
    ),
    2: (
        Style("a sharp corner at the bottom left", 4,
              "10,22 34,2 68,4 80,26 62,56 34,82 10,98! 50,97 95,96"),
        Style("a loop at the bottom left", 4,
              "14,20 38,1 70,8 74,34 56,66 28,95 6,94 10,76 36,78 62,94 96,96"),
        Style("a small loop and a tail that rises", 2,
              "10,26 30,4 62,2 74,24 58,60 34,90 14,100 6,90 20,82 50,92 78,92 100,80"),
        Style("nearly a Z", 2,
              "8,10 40,2 78,6! 50,50 8,96! 50,94 94,96"),
        Style("the bow begins with a hook; the foot is wavy", 1.5,
              "22,30 12,16 36,1 70,10 72,38 44,70 10,94! 34,86 62,98 94,90"),
        Style("a short foot", 2,
              "12,20 40,2 74,14 70,40 48,72 20,96! 44,94 70,98"),
        Style("a large loop that lies under the bow", 1.5,
              "20,22 44,2 70,14 70,40 50,74 22,96 4,86 14,70 40,78 66,98 96,90"),
    ),
    3: (
        Style("two bows that meet in a corner", 5,
              "12,14 42,0 74,12 70,34 36,46! 72,54 86,76 60,98 28,99 5,88"),
        Style("two bows, the middle not touched sharply", 3,
              "14,10 46,0 76,14 66,36 48,46 70,55 84,74 64,96 34,100 6,90"),
        Style("a flat top", 1.5,
              "10,6 46,4 80,3! 62,22 40,42! 72,48 84,72 58,97 8,93"),
        Style("a small loop in the middle", 2,
              "14,16 42,1 72,10 68,32 42,50 28,48 40,40 68,50 82,74 58,98 28,100 6,88"),
        Style("a narrow upper bow, a wide lower one that curls", 1.5,
              "20,14 46,1 66,14 56,34 36,42! 74,48 90,74 64,100 24,96 10,80"),
        Style("slanting, the top like a Z, the lower bow small", 2,
              "16,8 44,5 70,4! 54,22 36,40! 62,42 70,62 50,86 10,100"),
        Style("a wide upper bow, a short lower one", 1.5,
              "4,10 40,2 72,8 60,30 34,46! 56,46 66,62 54,86 24,100"),
    ),
    4: (
        Style("open at the top, a corner at the left", 4,
              "20,4 16,28 10,54! 48,52 86,48", "74,0 70,34 64,67 58,100"),
        Style("open, the left part round like a cup", 4,
              "16,4 8,34 18,54 46,56 76,44", "80,2 76,34 70,67 64,100"),
        Style("open, in one stroke: the cup runs up into the stem", 1.5,
              "18,6 8,38 20,54 50,50 80,6! 74,50 66,100"),
        Style("closed at the top", 2,
              "62,0 36,28 6,60! 50,60 94,58", "64,2 62,36 60,70 58,100"),
        Style("nearly closed, a narrow head", 1.5,
              "50,4 26,26 8,50! 44,54 88,48", "72,4 68,34 62,67 56,100"),
        Style("a low bar that crosses far to the right, the stem set low", 2,
              "30,0 20,26 8,50! 50,48 100,42", "72,20 66,46 58,74 52,100"),
    ),
    5: (
        Style("stem and belly in one stroke, then the bar", 4,
              "30,4 26,24 20,42! 50,38 78,54 76,82 46,100 8,93", "30,4 60,3 90,0"),
        Style("everything in one stroke, with corners", 3,
              "88,2 58,5 32,6! 24,38! 56,44 78,66 62,92 32,100 6,90"),
        Style("in one stroke and round, nearly an S", 2.5,
              "84,2 52,3 28,16 28,36 56,48 74,68 60,92 30,100 6,90"),
        Style("a small belly, a long bar that rises to the right", 3,
              "38,14 32,30 24,46! 50,50 60,68 46,90 22,99 2,92", "38,14 68,8 100,0"),
        Style("the bar stands apart", 1.5,
              "24,12 20,30 20,50! 52,44 78,60 72,88 42,100 10,94", "36,6 64,3 94,2"),
        Style("a steep S with a short head", 1,
              "78,4 50,0 36,12 40,34 58,58 64,80 46,98 18,96"),
        Style("the belly nearly closes", 1,
              "30,6 26,26 22,46! 54,38 82,56 76,84 44,100 16,86 22,72", "30,6 60,3 88,2"),
        Style("a flat zigzag with a long bar", 1.5,
              "96,4 60,6 34,10! 30,24 26,40! 50,36 66,50 64,76 40,96 2,100"),
    ),
    6: (
        Style("a bowed stem and a round loop", 4,
              "66,0 36,24 14,60 20,90 50,100 80,86 80,64 54,54 26,68 16,84"),
        Style("a straight stem, the loop small and closed on it", 3,
              "50,0 34,30 18,64 20,90 46,100 70,84 66,64 42,62 20,82"),
        Style("the stem begins with a curl", 1.5,
              "80,10 58,1 30,20 12,58 22,92 52,100 80,82 72,58 42,58 18,76"),
        Style("the loop ends inside", 2,
              "60,0 28,30 10,66 24,96 60,98 84,76 66,58 44,70 40,84"),
        Style("a tall stem and a flat wide loop", 2,
              "40,0 22,34 10,70 22,95 56,100 88,84 82,66 50,66 16,84"),
    ),
    7: (
        Style("a bar and a stem", 4,
              "8,8 46,6 86,3! 68,34 52,67 40,100"),
        Style("a tick at the left", 1.5,
              "10,26 12,16 14,5! 50,6 86,3! 70,36 58,67 52,100"),
        Style("barred", 1.5,
              "8,8 46,6 86,3! 68,34 50,67 36,100", "26,52 56,50 88,47"),
        Style("a round shoulder", 3,
              "6,18 30,3 66,4 82,14 72,42 56,70 46,100"),
        Style("a wavy bar; the stem bends", 2,
              "4,16 22,4 50,10 84,4! 60,32 46,62 42,100"),
        Style("a short bar, a stem that stands upright", 1.5,
              "12,20 34,10 72,0! 68,34 64,67 60,100"),
        Style("a long tick, the bar rises", 1.5,
              "10,34 12,22 16,10! 50,10 84,2! 66,36 54,68 46,100"),
        Style("one wave from the tick into the stem", 1,
              "4,30 14,6 40,12 66,10 88,2 70,36 56,68 48,100"),
    ),
    8: (
        Style("begun at the top right, an S, and back up to the beginning", 4,
              "78,12 50,0 22,16 36,40 64,58 76,82 50,100 20,86 34,58 64,38 80,14"),
        Style("the beginning and the end do not meet", 3,
              "76,6 46,2 22,18 38,40 62,60 66,86 40,100 18,84 36,58 66,36 92,10"),
        Style("a smooth figure of eight", 3,
              "50,45 22,24 50,0 78,24 50,45 18,74 50,100 82,74 50,45"),
        Style("two rings, one on the other", 1,
              "50,0 24,20 48,44 76,22 50,0", "50,44 18,70 48,100 82,74 50,44"),
        Style("a wide head, a slim foot", 2,
              "90,14 56,0 20,12 26,36 56,54 60,84 40,100 24,84 40,56 70,40 88,20"),
        Style("a small lower ring", 2,
              "76,10 48,0 16,12 18,38 52,52 62,70 58,92 42,98 36,82 46,62 76,34 84,12"),
        Style("a small upper ring", 2,
              "74,14 54,2 38,14 42,32 70,56 80,82 48,100 12,86 26,58 60,34 76,12"),
        Style("begun with a long slanting stroke", 1.5,
              "96,0 66,34 36,60 20,84 40,100 64,84 56,56 32,34 26,12 50,2 80,10"),
    ),
    9: (
        Style("a ring, then down in a straight stem", 4,
              "78,12 50,0 20,14 16,38 42,50 70,34 80,8! 74,50 64,100"),
        Style("ring and stem in one bow", 3,
              "74,28 66,6 36,2 14,24 26,48 56,44 78,20 74,46 62,74 50,100"),
        Style("the tail curls to the left", 2,
              "78,14 50,0 20,16 22,42 52,46 78,14! 80,50 68,88 42,100 16,90"),
        Style("a small ring high up, a slanting stem", 2.5,
              "70,10 46,2 24,18 32,38 58,34 74,6! 62,40 48,70 36,100"),
        Style("the ring is left open at the top", 1.5,
              "48,2 20,16 12,38 36,50 64,38 82,6! 76,50 70,100"),
        Style("a large ring, a short stem", 2,
              "78,20 54,0 18,12 8,42 30,62 66,50 82,16! 84,56 80,100"),
    ),
}
# fmt: on
