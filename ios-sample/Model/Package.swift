// swift-tools-version: 6.0

import PackageDescription

// The app behind its screens: no UIKit, no SwiftUI, so that it is built and tested on Linux too.
let package = Package(
    name: "RingbackSample",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [.library(name: "SampleModel", targets: ["SampleModel"])],
    dependencies: [.package(path: "../../bindings/swift")],
    targets: [
        .target(name: "SampleModel", dependencies: [.product(name: "Ringback", package: "swift")]),
        .testTarget(name: "SampleModelTests", dependencies: ["SampleModel"]),
    ]
)
