// swift-tools-version: 6.0

import PackageDescription

let package = Package(
    name: "CallCost",
    platforms: [.macOS(.v13)],
    dependencies: [.package(path: "../../../../bindings/swift")],
    targets: [
        .executableTarget(
            name: "CallCost",
            // A package at a path is known by its folder's name.
            dependencies: [.product(name: "Ringback", package: "swift")],
            path: "Sources"
        )
    ]
)
