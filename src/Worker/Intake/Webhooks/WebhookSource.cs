using LeadPipeline.Worker.Intake.Webhooks.Lookups;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;
using LeadPipeline.Worker.Intake.Webhooks.Signatures;

namespace LeadPipeline.Worker.Intake.Webhooks;

/// <summary>A sender as it is configured: how it signs, and what its posts mean.</summary>
/// <param name="Name">As in the address; also the leads' source.</param>
/// <param name="Scheme">How it signs.</param>
/// <param name="Payload">What its posts mean.</param>
public sealed record WebhookSource(string Name, ISignatureScheme Scheme, IPayloadMapping Payload)
{
    /// <summary>The secrets; none: nothing is accepted.</summary>
    public IReadOnlyList<string> Secrets { get; init; } = [];

    /// <summary>How far its clock may be from ours.</summary>
    public TimeSpan Tolerance { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether its blocks are believed.</summary>
    public bool Trusted { get; init; }

    /// <summary>Where to read what its posts refer to, if that is configured.</summary>
    public ILeadLookup? Lookup { get; init; }

    /// <summary>Whether what its posts refer to is kept until it can be read, when there is no way to read it now. Senders that tell of a lead once and no more.</summary>
    public bool KeepsReferred { get; init; }

    /// <summary>The token of the handshake, if one is configured.</summary>
    public string? VerifyToken { get; init; }

    /// <summary>Our address as it calls us, if that is configured.</summary>
    public string? PublicUrl { get; init; }
}
