// Ringback for Android: the Kotlin library, its generated code, and what needs android.*, in one AAR. Part of an app's build,
// for example ../../android-sample. `cargo xtask bindings kotlin` makes the generated code, `cargo xtask package android` the
// native libraries, which needs the NDK.
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
            jniLibs.directories += "../../target/package/build/aar/jni"
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
