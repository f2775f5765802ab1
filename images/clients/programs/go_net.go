// Go's net.Dial: say hi, print the answer.
package main

import (
	"fmt"
	"log"
	"net"
	"os"
)

func main() {
	log.SetFlags(0)
	conn, err := net.Dial("tcp", net.JoinHostPort(os.Getenv("SERVER"), os.Getenv("PORT")))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("hi")); err != nil {
		log.Fatal(err)
	}
	answer := make([]byte, 2048)
	count, err := conn.Read(answer)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(answer[:count]))
}
