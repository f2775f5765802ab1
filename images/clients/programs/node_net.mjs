// Node's net: say hi, print the answer.
import net from "node:net";
import { fail } from "./told.mjs";

const connection = net.connect(Number(process.env.PORT), process.env.SERVER);
connection.on("error", fail);
connection.once("data", (answer) => {
  console.log(String(answer));
  connection.end();
});
connection.write("hi");
