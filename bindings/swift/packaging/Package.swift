// swift-tools-version: 6.0

// The package for Linux, as `cargo xtask package` lays it out: sources, and the Rust library in `lib`.

import PackageDescription

let package = Package(
    name: "Ringback",
    products: [.library(name: "Ringback", targets: ["Ringback"])],
    targets: [
        .systemLibrary(name: "ringback_coreFFI"),
        .systemLibrary(name: "ringback_bindingsFFI"),
        .target(name: "RingbackTypes"),
        .target(
            name: "RingbackGenerated",
            dependencies: ["ringback_coreFFI", "ringback_bindingsFFI", "RingbackTypes"],
            swiftSettings: [.swiftLanguageMode(.v5)],
            linkerSettings: [.unsafeFlags(["-L\(Context.packageDirectory)/lib"])]
        ),
        .target(
            name: "Ringback",
            dependencies: ["RingbackGenerated", "RingbackTypes"],
            resources: [.copy("PrivacyInfo.xcprivacy")]
        ),
    ]
)
