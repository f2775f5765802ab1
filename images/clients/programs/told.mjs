// What went wrong, in the words of each error: one of several addresses, and what caused it.
export function told(error) {
  if (error.errors) return error.errors.map(told).join("; ");
  return error.cause ? `${error}: ${told(error.cause)}` : String(error);
}

export function fail(error) {
  console.error(told(error));
  process.exit(1);
}
