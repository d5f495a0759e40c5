// swift-tools-version: 6.0

import PackageDescription

let package = Package(
    name: "Ringback",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "Ringback", targets: ["Ringback"])],
    targets: [
        // The C side of the Rust library; the headers are generated.
        .systemLibrary(name: "ringback_coreFFI"),
        .systemLibrary(name: "ringback_bindingsFFI"),
        // Text that cannot be printed; the generated code carries it.
        .target(name: "RingbackTypes"),
        // Generated code alone. With asynchronous traits for the host it does not compile in Swift 6 mode
        // (mozilla/uniffi-rs#2929).
        .target(
            name: "RingbackGenerated",
            dependencies: ["ringback_coreFFI", "ringback_bindingsFFI", "RingbackTypes"],
            swiftSettings: [.swiftLanguageMode(.v5)]
        ),
        // What apps see.
        .target(name: "Ringback", dependencies: ["RingbackGenerated", "RingbackTypes"]),
        .testTarget(name: "RingbackTests", dependencies: ["Ringback", "RingbackGenerated"]),
    ]
)
