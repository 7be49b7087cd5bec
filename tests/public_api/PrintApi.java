import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jetbrains.kotlin.abi.tools.AbiFilters;
import org.jetbrains.kotlin.abi.tools.AbiTools;

/**
 * Prints the public API of compiled Kotlin with Kotlin's own abi-tools, which are only a library.
 *
 * <pre>
 * java -cp abi-tools.jar:… PrintApi.java FOLDER
 * </pre>
 */
class PrintApi {
    public static void main(String[] argv) throws IOException {
        try (Stream<Path> paths = Files.walk(Path.of(argv[0]))) {
            List<File> classes =
                    paths.filter(path -> path.toString().endsWith(".class")).sorted().map(Path::toFile).toList();
            AbiTools.Companion.getInstance(PrintApi.class.getClassLoader())
                    .printJvmDump(System.out, classes, AbiFilters.Companion.getEMPTY());
        }
    }
}
