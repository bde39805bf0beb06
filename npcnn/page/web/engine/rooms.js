// The rooms, by the kinds of layers that they make. A room has forward, backward, sees (what of its
// inputs an output hangs on) and explain (the sum that made a number).
export const ROOMS = {};

/** Enter a room under its kinds, which Python reads here, too (npcnn/page/program.py). */
export function room(kinds, made) {
  for (const kind of kinds) ROOMS[kind] = made;
}
