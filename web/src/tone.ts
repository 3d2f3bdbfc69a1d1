// A person's colour is chosen by the id, so it is the same in all browsers, and
// nobody else's program can choose what is drawn here.
export const tones = 8
export const tone = (id: string): number => [...id].reduce((n, c) => (n * 31 + c.charCodeAt(0)) >>> 0, 7) % tones
