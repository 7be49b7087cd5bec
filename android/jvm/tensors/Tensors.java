import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.Tensor;
import org.tensorflow.lite.TensorFlowLite;

/**
 * Runs models on tensors with TensorFlow Lite's Java API, as the app's segmenter does on images, and hands out what
 * comes out.
 *
 * <pre>
 * java -cp tensorflow-lite.jar Tensors.java cpu|xnnpack THREADS RUNS OUT
 * </pre>
 *
 * The file RUNS has the words of each run, its name, the model and the files of its inputs, with a NUL between words and
 * two between runs. OUT gets values.json, which goldmask reads, and a file of bytes for each output.
 */
class Tensors {
    private static final Pattern REPLACING =
            Pattern.compile("Replacing (\\d+)(?: out of (\\d+))? node\\(s\\) with delegate \\((\\w+)\\)");

    public static void main(String[] args) throws IOException {
        boolean xnnpack = args[0].equals("xnnpack");
        int threads = Integer.parseInt(args[1]);
        File out = new File(args[3]);
        List<String> results = new ArrayList<>();
        String runs = new String(Files.readAllBytes(new File(args[2]).toPath()), StandardCharsets.UTF_8);
        for (String words : runs.split("\0\0")) {
            String[] run = words.split("\0");
            String result;
            try {
                result = run(run, xnnpack, threads, out);
            } catch (IOException | RuntimeException | UnsatisfiedLinkError error) {
                result = "\"error\": " + quoted(String.valueOf(error.getMessage()).trim());
            }
            results.add("{\"name\": " + quoted(run[0]) + ", " + result + "}");
        }
        String json = "{\"runs\": [\n" + String.join(",\n", results) + "\n]}\n";
        Files.write(new File(out, "values.json").toPath(), json.getBytes(StandardCharsets.UTF_8));
    }

    private static String run(String[] run, boolean xnnpack, int threads, File out) throws IOException {
        int seen = log().length();
        Interpreter.Options options = new Interpreter.Options();
        options.setNumThreads(threads);
        options.setUseXNNPACK(xnnpack);
        try (Interpreter interpreter = new Interpreter(read(new File(run[1])), options)) {
            Object[] inputs = new Object[run.length - 2];
            for (int index = 0; index < inputs.length; index++) inputs[index] = read(new File(run[index + 2]));
            interpreter.runForMultipleInputsOutputs(inputs, new HashMap<>());
            List<String> outputs = new ArrayList<>();
            for (int index = 0; index < interpreter.getOutputTensorCount(); index++) {
                outputs.add(write(interpreter.getOutputTensor(index), new File(out, run[0] + "-" + index + ".bin")));
            }
            String runtime = runtime(log().substring(seen), xnnpack, threads);
            return "\"runtime\": " + runtime + ", \"outputs\": [" + String.join(", ", outputs) + "]";
        }
    }

    private static String write(Tensor tensor, File file) throws IOException {
        ByteBuffer values = tensor.asReadOnlyBuffer();
        byte[] bytes = new byte[values.remaining()];
        values.get(bytes);
        Files.write(file.toPath(), bytes);
        List<String> shape = new ArrayList<>();
        for (int size : tensor.shape()) shape.add(Integer.toString(size));
        return String.format("{\"file\": %s, \"dtype\": %s, \"shape\": [%s]}", quoted(file.getName()),
                quoted(tensor.dataType().name().toLowerCase(Locale.ROOT)), String.join(", ", shape));
    }

    /** What really ran: only the native log says whether a delegate took anything. */
    private static String runtime(String log, boolean xnnpack, int threads) {
        String delegate = "cpu";
        String nodes = "";
        int most = 0;
        for (Matcher found = REPLACING.matcher(log); found.find();) {
            int taken = Integer.parseInt(found.group(1));
            if (taken <= most)
                continue;
            most = taken;
            delegate = found.group(3).toLowerCase(Locale.ROOT).contains("xnn") ? "xnnpack" : found.group(3);
            if (found.group(2) != null) {
                nodes = ", \"nodes\": {\"delegated\": " + taken + ", \"of\": " + found.group(2) + "}";
            }
        }
        // The Java API passes setNumThreads only to the CPU kernels; XNNPACK gets its own default, one thread.
        return String.format(
                "{\"name\": \"Interpreter Java API\", \"version\": %s, \"delegate\": %s, \"threads\": %d%s}",
                quoted(TensorFlowLite.runtimeVersion()), quoted(delegate), xnnpack ? 1 : threads, nodes);
    }

    private static String log() throws IOException {
        String path = System.getenv("GOLDMASK_NATIVE_LOG");
        if (path == null || !new File(path).isFile())
            return "";
        return new String(Files.readAllBytes(new File(path).toPath()), StandardCharsets.UTF_8);
    }

    private static ByteBuffer read(File file) throws IOException {
        try (RandomAccessFile open = new RandomAccessFile(file, "r")) {
            return open.getChannel()
                    .map(FileChannel.MapMode.READ_ONLY, 0, open.length())
                    .order(ByteOrder.nativeOrder());
        }
    }

    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char sign : text.toCharArray()) {
            if (sign == '"' || sign == '\\')
                json.append('\\').append(sign);
            else if (sign < ' ')
                json.append(' ');
            else
                json.append(sign);
        }
        return json.append('"').toString();
    }
}
