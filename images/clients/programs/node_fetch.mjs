// Node's fetch: get the page.
import { fail } from "./told.mjs";

await fetch(process.env.URL)
  .then((answer) => answer.text())
  .then(console.log, fail);
