// Go's net/http: get the page.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	log.SetFlags(0)
	answer, err := http.Get(os.Getenv("URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		log.Fatal(err)
	}
}
