plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.compose)
}

android {
    namespace = "dev.ringback.sample.app"
    compileSdk = libs.versions.compileSdk.get().toInt()

    defaultConfig {
        applicationId = "dev.ringback.sample"
        minSdk = libs.versions.minSdk.get().toInt()
        targetSdk = libs.versions.targetSdk.get().toInt()
        versionCode = 1
        versionName = libs.versions.ringback.get()

        // `-Pringback.url=https://calls.example.com -Pringback.appKey=rb_pub_…`. By default a server on port 8080 of the
        // machine that an emulator runs on.
        val url = providers.gradleProperty("ringback.url").orElse("http://10.0.2.2:8080")
        val appKey = providers.gradleProperty("ringback.appKey").orElse("rb_pub_demo")
        val service = providers.gradleProperty("ringback.service").orElse("billing")
        buildConfigField("String", "RINGBACK_URL", "\"${url.get()}\"")
        buildConfigField("String", "RINGBACK_APP_KEY", "\"${appKey.get()}\"")
        buildConfigField("String", "RINGBACK_SERVICE", "\"${service.get()}\"")
    }

    buildFeatures {
        buildConfig = true
        compose = true
    }

    sourceSets {
        named("main") {
            kotlin.directories +=
                setOf(
                    "src/main/kotlin",
                    // Tested on the plain JVM, against the real server.
                    "../model/src/main/kotlin",
                    // Rendered and clicked on the plain JVM too.
                    "../screens/src/main/kotlin",
                )
        }
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            // What the SDK needs comes with it.
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
        isCoreLibraryDesugaringEnabled = true
    }

    androidResources {
        generateLocaleConfig = true
    }
}

dependencies {
    implementation(project(":ringback"))
    implementation(platform(libs.androidx.compose.bom))
    implementation(libs.androidx.activity.compose)
    implementation(libs.androidx.compose.material3)
    implementation(libs.androidx.work.runtime)
    coreLibraryDesugaring(libs.desugar.jdk.libs)
}
