// Ringback for Android: the Kotlin library, its generated code, and what needs android.*, in one AAR. Part of an app's build,
// for example ../../android-sample. `cargo xtask bindings kotlin` has to have run, and the native library has to lie in
// `jniLibs`, one folder for each ABI, built for 16 KB pages.
plugins {
    alias(libs.plugins.android.library)
}

android {
    namespace = "dev.ringback.android"
    compileSdk = libs.versions.compileSdk.get().toInt()

    defaultConfig {
        minSdk = libs.versions.minSdk.get().toInt()
        consumerProguardFiles("consumer-rules.pro")
    }

    sourceSets {
        named("main") {
            kotlin.directories +=
                setOf(
                    "src/main/kotlin",
                    "../kotlin/src/main/kotlin",
                    "../kotlin/target/generated-sources/uniffi",
                )
            jniLibs.directories += "jniLibs"
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
        // java.time before Android 8.
        isCoreLibraryDesugaringEnabled = true
    }
}

dependencies {
    api(libs.kotlinx.coroutines.android)
    api(libs.okhttp.android)
    implementation(variantOf(libs.jna) { artifactType("aar") })
    compileOnly(libs.androidx.work.runtime)
    coreLibraryDesugaring(libs.desugar.jdk.libs)
}
