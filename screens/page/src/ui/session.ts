/** Who is at the screen, and what they may do. The gateway decides; this only hides what it would refuse. */
import type { Person } from "../data/types";

let person: Person | null = null;

export function setPerson(next: Person): void {
  person = next;
}

export function me(): Person {
  if (!person) throw new Error("nobody is logged in");
  return person;
}

export function may(action: string): boolean {
  return person !== null && (person.may.includes(action) || person.may.includes("*"));
}
