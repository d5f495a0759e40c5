// swift-tools-version: 6.0

import PackageDescription

let package = Package(
    name: "CallCost",
    platforms: [.macOS(.v13)],
    dependencies: [.package(name: "Ringback", path: "../../../bindings/swift")],
    targets: [
        .executableTarget(
            name: "CallCost",
            dependencies: [.product(name: "Ringback", package: "Ringback")]
        )
    ]
)
