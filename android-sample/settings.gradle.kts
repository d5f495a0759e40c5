pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode = RepositoriesMode.FAIL_ON_PROJECT_REPOS
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "ringback-sample"

include(":app", ":ringback")
// The SDK from this checkout. An app elsewhere takes the published AAR in its place.
project(":ringback").projectDir = file("../bindings/kotlin-android")
