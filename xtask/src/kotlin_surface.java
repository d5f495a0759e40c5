import java.io.File;
import java.util.List;
import java.util.Set;
import org.jetbrains.kotlin.abi.tools.AbiFilters;
import org.jetbrains.kotlin.abi.tools.AbiTools;

/** Prints what a jar offers to Kotlin code, without the generated objects behind it. {@code cargo xtask api} runs it. */
class KotlinSurface {
    public static void main(String[] arguments) {
        var text = new StringBuilder();
        var generated = Set.of("dev.ringback.internal.**", "dev.ringback.FfiConverter*", "dev.ringback.Uniffi**", "dev.ringback.RustBuffer**");
        var filters = new AbiFilters(Set.of(), generated, Set.of(), Set.of());
        var tools = AbiTools.Companion.getInstance(KotlinSurface.class.getClassLoader());
        tools.printJvmDump(text, List.of(new File(arguments[0])), filters);
        System.out.print(text);
    }
}
