using System.Text.Json.Nodes;

namespace LeadPipeline.Contracts;

/// <summary>
/// A lead after normalisation: strings are NFKC, trimmed, free of control, zero-width and bidirectional-override
/// characters, and within their length limits; the e-mail is validated and lower-case.
/// Everything in it was stated by a person and is untrusted, except that the sender's <see cref="Trusted"/> blocks are believed.
/// </summary>
public sealed record Lead
{
    /// <summary>Identity of the lead; derived from the sender's key when the sender named none.</summary>
    public required Guid LeadId { get; init; }

    /// <summary>The sender's own id, unique within <see cref="Source"/>. At most 200 characters.</summary>
    public string? ExternalId { get; init; }

    /// <summary>Where the lead came from: <c>api</c>, <c>file</c>, <c>queue</c>, or the webhook's or form's name.</summary>
    public required string Source { get; init; }

    /// <summary>Lower-case e-mail address, required, at most 254 characters.</summary>
    public required string Email { get; init; }

    /// <summary>Given name, at most 100 characters.</summary>
    public string? FirstName { get; init; }

    /// <summary>Family name, at most 100 characters.</summary>
    public string? LastName { get; init; }

    /// <summary>Company as the person wrote it, at most 200 characters.</summary>
    public string? Company { get; init; }

    /// <summary>Job title, at most 150 characters.</summary>
    public string? Title { get; init; }

    /// <summary>Telephone number as written, at most 50 characters.</summary>
    public string? Phone { get; init; }

    /// <summary>Web site as written, at most 300 characters. Never fetched.</summary>
    public string? Website { get; init; }

    /// <summary>Country as written, at most 100 characters.</summary>
    public string? Country { get; init; }

    /// <summary>Free text, at most 8,000 characters.</summary>
    public string? Message { get; init; }

    /// <summary>Marketing campaign id, at most 100 characters.</summary>
    public string? CampaignId { get; init; }

    /// <summary>When the sender says it happened; never later than five minutes after arrival.</summary>
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>Whatever else the sender sent, flattened to strings. At most 50 entries.</summary>
    public IReadOnlyDictionary<string, string> CustomFields { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether <see cref="Enrichment"/>, <see cref="Marketing"/> and <see cref="Product"/> came from a sender that is believed.</summary>
    public bool Trusted { get; init; }

    /// <summary>Company facts that the sender already has, members as in the evidence schema's <c>enrichment.*</c>.</summary>
    public JsonObject? Enrichment { get; init; }

    /// <summary>Marketing signals that the sender already has, members as in <c>marketing.*</c>.</summary>
    public JsonObject? Marketing { get; init; }

    /// <summary>Product signals that the sender already has, members as in <c>product.*</c>.</summary>
    public JsonObject? Product { get; init; }
}
