// java.net.http.HttpClient: get the page.
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

class JavaHttpClient {
    public static void main(String[] args) throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("URL"))).build();
        try {
            System.out.println(
                HttpClient.newHttpClient().send(request, BodyHandlers.ofString()).body());
        } catch (IOException error) {
            System.err.println(error);
            System.exit(1);
        }
    }
}
