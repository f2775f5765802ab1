// java.net.HttpURLConnection: get the page.
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;

class JavaUrlConnection {
    public static void main(String[] args) {
        try (InputStream answer = new URL(System.getenv("URL")).openConnection().getInputStream()) {
            answer.transferTo(System.out);
        } catch (IOException error) {
            System.err.println(error);
            System.exit(1);
        }
    }
}
