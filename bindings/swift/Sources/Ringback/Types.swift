// What apps pass in and get out. The types are the Rust core's own.

import RingbackGenerated
import RingbackTypes

public typealias RingbackConfiguration = RingbackGenerated.RingbackConfiguration

public typealias PhoneNumber = RingbackTypes.PhoneNumber
public typealias PersonName = RingbackTypes.PersonName
public typealias ContextValue = RingbackTypes.ContextValue
public typealias AccessCode = RingbackTypes.AccessCode
public typealias SpokenCode = RingbackTypes.SpokenCode
public typealias ActionToken = RingbackTypes.ActionToken
public typealias PushToken = RingbackTypes.PushToken
public typealias CaptchaToken = RingbackTypes.CaptchaToken

public typealias CallbackRequest = RingbackGenerated.CallbackRequest
public typealias Callback = RingbackGenerated.Callback
public typealias CallbackState = RingbackGenerated.CallbackState
public typealias RoutingPhase = RingbackGenerated.RoutingPhase
public typealias CompletedReason = RingbackGenerated.CompletedReason
public typealias Direction = RingbackGenerated.Direction
public typealias ConfirmAnswer = RingbackGenerated.ConfirmAnswer
public typealias Confirmation = RingbackGenerated.Confirmation

public typealias Journey = RingbackGenerated.Journey
public typealias Screen = RingbackGenerated.Screen

public typealias Offer = RingbackGenerated.Offer
public typealias OfferedKind = RingbackGenerated.OfferedKind
public typealias Validation = RingbackGenerated.Validation
public typealias Check = RingbackGenerated.Check

public typealias AvailabilityRequest = RingbackGenerated.AvailabilityRequest
public typealias Availability = RingbackGenerated.Availability
public typealias Slot = RingbackGenerated.Slot
public typealias WallTime = RingbackGenerated.WallTime
public typealias Fold = RingbackGenerated.Fold
public typealias ScheduledTime = RingbackGenerated.ScheduledTime

public typealias LiveCallbacks = RingbackGenerated.LiveCallbacks
public typealias LiveCallback = RingbackGenerated.LiveCallback

public typealias LineUpdate = RingbackGenerated.LineUpdate
public typealias WaitEstimate = RingbackGenerated.WaitEstimate
public typealias WaitStatus = RingbackGenerated.WaitStatus
public typealias Confidence = RingbackGenerated.Confidence

public typealias CallInRequest = RingbackGenerated.CallInRequest
public typealias FallbackNumber = RingbackGenerated.FallbackNumber
public typealias CallTicket = RingbackGenerated.CallTicket

public typealias PushTarget = RingbackGenerated.PushTarget
public typealias ApnsEnvironment = RingbackGenerated.ApnsEnvironment
public typealias FcmTokenKind = RingbackGenerated.FcmTokenKind
public typealias Device = RingbackGenerated.Device
public typealias PushEvent = RingbackGenerated.PushEvent
public typealias PushOutcome = RingbackGenerated.PushOutcome

public typealias CallbackEvent = RingbackGenerated.CallbackEvent
public typealias EventKind = RingbackGenerated.EventKind

public typealias PendingRequest = RingbackGenerated.PendingRequest
public typealias RequestState = RingbackGenerated.RequestState
public typealias OutboxStatus = RingbackGenerated.OutboxStatus
public typealias PendingKind = RingbackGenerated.PendingKind
public typealias Resumed = RingbackGenerated.Resumed
public typealias ResumeOutcome = RingbackGenerated.ResumeOutcome

public typealias Transport = RingbackGenerated.Transport
public typealias TransportError = RingbackGenerated.TransportError
public typealias HttpRequest = RingbackGenerated.HttpRequest
public typealias HttpResponse = RingbackGenerated.HttpResponse
public typealias HttpHeader = RingbackGenerated.HttpHeader
public typealias StreamSink = RingbackGenerated.StreamSink

public typealias SecureStore = RingbackGenerated.SecureStore
public typealias LogSink = RingbackGenerated.LogSink
public typealias LogLevel = RingbackGenerated.LogLevel
public typealias HostError = RingbackGenerated.HostError

public typealias InstallationSigner = RingbackGenerated.InstallationSigner
public typealias SignerKey = RingbackGenerated.SignerKey
public typealias KeyAlgorithm = RingbackGenerated.KeyAlgorithm
public typealias AttestationProvider = RingbackGenerated.AttestationProvider
public typealias AttestationAsk = RingbackGenerated.AttestationAsk
public typealias AttestationEvidence = RingbackGenerated.AttestationEvidence

public typealias CaptchaPresenter = RingbackGenerated.CaptchaPresenter
public typealias CaptchaAsk = RingbackGenerated.CaptchaAsk
public typealias CaptchaError = RingbackGenerated.CaptchaError

extension CaptchaPresenter {
    /// Proof of work is mostly done before anybody would look at a bar.
    public func progress(percent: UInt8) throws {}
}
