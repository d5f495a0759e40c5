// swift-tools-version: 6.0

// The package for Apple's platforms, as `cargo xtask package` lays it out: sources over a binary framework.

import PackageDescription

let package = Package(
    name: "Ringback",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "Ringback", targets: ["Ringback"])],
    targets: [
        .binaryTarget(name: "RingbackRust", path: "RingbackRust.xcframework"),
        .target(name: "RingbackTypes"),
        .target(
            name: "RingbackGenerated",
            dependencies: ["RingbackRust", "RingbackTypes"],
            swiftSettings: [.swiftLanguageMode(.v5)]
        ),
        .target(
            name: "Ringback",
            dependencies: ["RingbackGenerated", "RingbackTypes"],
            resources: [.copy("PrivacyInfo.xcprivacy")]
        ),
    ]
)
