// Node's http: get the page.
import http from "node:http";
import { fail } from "./told.mjs";

http.get(process.env.URL, (answer) => answer.pipe(process.stdout)).on("error", fail);
