// swift-tools-version: 6.0

// The Swift of the book as one program: `cargo xtask test guide` lays it out and runs it against the package.

import PackageDescription

let package = Package(
    name: "Guide",
    dependencies: [.package(path: Context.environment["RINGBACK_PACKAGES"]! + "/swift/Ringback")],
    targets: [
        .executableTarget(
            name: "Guide", dependencies: [.product(name: "Ringback", package: "Ringback")], path: "Sources")
    ]
)
