// java.net.Socket: say hi, print the answer.
import java.io.IOException;
import java.net.Socket;

class JavaSocket {
    public static void main(String[] args) {
        int port = Integer.parseInt(System.getenv("PORT"));
        try (Socket socket = new Socket(System.getenv("SERVER"), port)) {
            socket.getOutputStream().write("hi".getBytes());
            byte[] answer = new byte[2048];
            int count = socket.getInputStream().read(answer);
            System.out.println(new String(answer, 0, Math.max(count, 0)));
        } catch (IOException error) {
            System.err.println(error);
            System.exit(1);
        }
    }
}
