using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace LeadPipeline.Worker.DeadLetters;

/// <summary>One dead letter of a replay, as it was when the replay was ordered.</summary>
/// <param name="Id">The dead letter.</param>
/// <param name="LeadId">Its lead; null: it is a message.</param>
/// <param name="Cause">Its fingerprint, by which the same failure is known when it comes back.</param>
public sealed record ReplayItem(Guid Id, Guid? LeadId, string Cause);

/// <summary>How far a replay has come. Whoever has this and the items can go on with it.</summary>
public sealed record ReplayProgress
{
    /// <summary>The first item that has not been sent on.</summary>
    public int Next { get; init; }
    /// <summary>The first item of the wave that is under way.</summary>
    public int WaveStart { get; init; }
    /// <summary>When all of that wave had been sent on; null: not yet.</summary>
    public DateTimeOffset? WaveSentAt { get; init; }
    /// <summary>Went on their way.</summary>
    public int Replayed { get; init; }
    /// <summary>Came to an end that is no dead letter.</summary>
    public int Completed { get; init; }
    /// <summary>Are dead letters again.</summary>
    public int Failed { get; init; }
    /// <summary>Why it ended before its time: <c>same-failure</c>, <c>timed-out</c> or <c>by-operator</c>; null: it did not.</summary>
    public string? Stopped { get; init; }
    /// <summary>Were not replayed.</summary>
    public IReadOnlyList<ReplayRefusal> Refused { get; init; } = [];
}

/// <summary>A replay that was ordered and is carried out by whichever worker lives.</summary>
public sealed record ReplayJob
{
    /// <summary>It is being carried out, or waits for a worker.</summary>
    public const string Running = "running";

    /// <summary>It has come to its end, or was stopped.</summary>
    public const string Ended = "ended";

    /// <summary>Its id.</summary>
    public required Guid Id { get; init; }
    /// <summary>Rises with every step that is kept; a step on another version is not kept.</summary>
    public int Version { get; init; }
    /// <summary><see cref="Running"/> or <see cref="Ended"/>.</summary>
    public string State { get; init; } = Running;
    /// <summary>Who ordered it.</summary>
    public required string OrderedBy { get; init; }
    /// <summary>When.</summary>
    public required DateTimeOffset OrderedAt { get; init; }
    /// <summary>When a step of it was kept last.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
    /// <summary>The worker that carries it out; null: none yet.</summary>
    public int? Owner { get; init; }
    /// <summary>How.</summary>
    public required ReplayPace Pace { get; init; }
    /// <summary>What, in order.</summary>
    public required IReadOnlyList<ReplayItem> Items { get; init; }
    /// <summary>How far it is.</summary>
    public ReplayProgress Progress { get; init; } = new();

    /// <summary>As it is shown.</summary>
    public JsonObject Json()
    {
        var json = ReplayReport.Of(Items.Count, Progress).Json();
        json["job"] = Id.ToString();
        json["state"] = State;
        json["orderedBy"] = OrderedBy;
        json["orderedAt"] = OrderedAt.ToString("O", System.Globalization.CultureInfo.InvariantCulture);
        json["updatedAt"] = UpdatedAt.ToString("O", System.Globalization.CultureInfo.InvariantCulture);
        json["ramp"] = Pace.Ramp;
        json["rate"] = Pace.Rate;
        return json;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ReplayProgress))]
[JsonSerializable(typeof(ReplayPace))]
[JsonSerializable(typeof(IReadOnlyList<ReplayItem>))]
internal sealed partial class ReplayJson : JsonSerializerContext;
