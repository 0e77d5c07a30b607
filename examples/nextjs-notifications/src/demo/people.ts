/** Who is signed in on this page: two people of two tenants, side by side. */
export interface Person {
  readonly tenant: string;
  readonly company: string;
  readonly user: string;
  readonly name: string;
}

export const PEOPLE: readonly Person[] = [
  { tenant: "acme", company: "Acme", user: "ada", name: "Ada" },
  { tenant: "globex", company: "Globex", user: "cleo", name: "Cleo" },
];
