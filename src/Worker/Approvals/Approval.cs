using System.Text.Json.Serialization;

namespace LeadPipeline.Worker.Approvals;

/// <summary>Where a request for approval stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ApprovalState>))]
public enum ApprovalState
{
    /// <summary>Waits for people.</summary>
    [JsonStringEnumMemberName("open")] Open,
    /// <summary>Enough people have said yes; it may be used once.</summary>
    [JsonStringEnumMemberName("approved")] Approved,
    /// <summary>What it was for has been done, or sent.</summary>
    [JsonStringEnumMemberName("used")] Used,
    /// <summary>Its time ran out, or its arguments are no longer the ones that it was asked for.</summary>
    [JsonStringEnumMemberName("expired")] Expired,
    /// <summary>A person has said no.</summary>
    [JsonStringEnumMemberName("denied")] Denied,
}

/// <summary>A request that people decide, for one operation with exactly these arguments. What it holds tells nothing of any person but those who act on it.</summary>
public sealed record Approval
{
    /// <summary>Its id.</summary>
    public required Guid Id { get; init; }
    /// <summary>Rises with every change.</summary>
    public int Version { get; init; }
    /// <summary>The lead that it is about; null: none.</summary>
    public Guid? LeadId { get; init; }
    /// <summary>The run whose plan waits for it; null: a person asked.</summary>
    public int? Run { get; init; }
    /// <summary>The step that waits for it; null: a person asked.</summary>
    public string? Step { get; init; }
    /// <summary>The tool, or the forbidden operation.</summary>
    public required string Operation { get; init; }
    /// <summary>SHA-256 hex over operation and canonical arguments.</summary>
    public required string ArgumentsHash { get; init; }
    /// <summary>Where it stands.</summary>
    public ApprovalState State { get; init; }
    /// <summary>How many different people must say yes: 1, or 2 for what destroys.</summary>
    public required int Needed { get; init; }
    /// <summary>Who asked.</summary>
    public required string RequestedBy { get; init; }
    /// <summary>When.</summary>
    public required DateTimeOffset RequestedAt { get; init; }
    /// <summary>When it means nothing any more, unless used by then.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
    /// <summary>What was done about it, in order.</summary>
    public IReadOnlyList<ApprovalEvent> Acts { get; init; } = [];

    /// <summary>Whether a plan waits for it, rather than a person.</summary>
    public bool IsForStep => Step is not null;

    /// <summary>Whether anything can still become of it.</summary>
    public bool IsLive => State is ApprovalState.Open or ApprovalState.Approved;
}

/// <summary>Something that was done about a request.</summary>
/// <param name="At">When.</param>
/// <param name="By">Who.</param>
/// <param name="What"><c>approved</c>, <c>denied</c>, <c>used</c> or <c>expired</c>.</param>
/// <param name="Why">A code or a person's words; null: nothing was said.</param>
public sealed record ApprovalEvent(DateTimeOffset At, string By, string What, string? Why = null);

/// <summary>What is kept sealed of a request.</summary>
/// <param name="Arguments">The exact arguments.</param>
/// <param name="Reason">Why it is asked for, in the words of whoever did.</param>
public sealed record ApprovalContent(System.Text.Json.Nodes.JsonObject Arguments, string Reason);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<ApprovalEvent>))]
[JsonSerializable(typeof(ApprovalContent))]
internal sealed partial class ApprovalJson : JsonSerializerContext;
