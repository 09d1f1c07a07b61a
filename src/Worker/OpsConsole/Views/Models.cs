using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Ops;

namespace LeadPipeline.Worker.OpsConsole.Views;

/// <summary>Before anybody has signed in.</summary>
/// <param name="To">Where he wanted to go.</param>
/// <param name="Problem">Why the last try failed; null: there was none.</param>
public sealed record SignInModel(string To, string? Problem = null);

/// <summary>What went wrong with a request.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Title">In a few words.</param>
/// <param name="Detail">What to do.</param>
public sealed record FaultModel(int Status, string Title, string Detail);

/// <summary>A circuit breaker.</summary>
/// <param name="Name">Of the breaker.</param>
/// <param name="Word">Its state.</param>
/// <param name="Circuit">Itself.</param>
public sealed record CircuitView(string Name, (string Text, Tone Tone) Word, Circuit Circuit)
{
    /// <summary>How a breaker is shown.</summary>
    public static CircuitView Of(Circuit circuit) => new(circuit.Name, circuit.Level switch
    {
        0 => ("Closed: calls go through", Tone.Good),
        1 => ("Half open: trying", Tone.Warn),
        _ => ("Open: calls are stopped", Tone.Bad),
    }, circuit);
}

/// <summary>The first page.</summary>
/// <param name="Overview">The numbers.</param>
/// <param name="Circuits">For administrators; else none.</param>
public sealed record OverviewModel(PipelineOverview Overview, IReadOnlyList<CircuitView> Circuits);

/// <summary>A list of leads.</summary>
/// <param name="Filter">What was asked for.</param>
/// <param name="Since">The span that was asked for, as in the address.</param>
/// <param name="Items">As the service lists them, masked.</param>
/// <param name="Next">Where the next page begins; null: this is the last.</param>
/// <param name="Problem">What was wrong with the search; null: nothing.</param>
public sealed record LeadsModel(LeadFilter Filter, string? Since, IReadOnlyList<JsonObject> Items, string? Next, string? Problem = null);

/// <summary>One lead.</summary>
/// <param name="Lead">As the service shows it.</param>
/// <param name="Audit">Its audit chain.</param>
/// <param name="Full">Whether personal data is shown in full.</param>
/// <param name="MayReveal">Whether this visitor may have it shown.</param>
public sealed record LeadModel(JsonObject Lead, IReadOnlyList<AuditEvent> Audit, bool Full, bool MayReveal)
{
    /// <summary>Its id.</summary>
    public string Id => Lead.Text("leadId")!;

    /// <summary>Where it stands.</summary>
    public LeadStatus Status => Enum.Parse<LeadStatus>(Lead.Text("status")!);
}

/// <summary>The review queue.</summary>
/// <param name="Items">As the service lists them.</param>
public sealed record ReviewsModel(JsonArray Items);

/// <summary>One review.</summary>
/// <param name="View">As the service shows it, without what is personal.</param>
public sealed record ReviewModel(JsonObject View);

/// <summary>Dead letters.</summary>
/// <param name="State">Which.</param>
/// <param name="Group">Of which group; null: all.</param>
/// <param name="Search">What occurs in them; null: anything.</param>
/// <param name="Groups">All groups of the state.</param>
/// <param name="Items">The letters, masked.</param>
/// <param name="Notes">What was noted on groups.</param>
/// <param name="Jobs">The latest replays.</param>
public sealed record DeadLettersModel(
    string State, string? Group, string? Search, IReadOnlyList<DeadLetterGroup> Groups, IReadOnlyList<JsonObject> Items, ILookup<string, DeadLetterAct> Notes, IReadOnlyList<ReplayJob> Jobs);

/// <summary>What a replay would do.</summary>
/// <param name="Ids">Of the letters that are named one by one.</param>
/// <param name="Group">The group; null: none.</param>
/// <param name="All">Whether all are meant.</param>
/// <param name="Count">How many are open of them.</param>
/// <param name="Items">The first of them, with what would be done.</param>
public sealed record ReplayModel(IReadOnlyList<Guid> Ids, string? Group, bool All, int Count, JsonArray Items);

/// <summary>Requests for approval.</summary>
/// <param name="Items">As the service shows them, newest first.</param>
public sealed record ApprovalsModel(IReadOnlyList<JsonObject> Items);

/// <summary>A limit in force.</summary>
/// <param name="Name">What it limits.</param>
/// <param name="Value">How far, in words.</param>
/// <param name="Setting">Which setting says so.</param>
public sealed record LimitView(string Name, string Value, string Setting);

/// <summary>A secret, without anything of it.</summary>
/// <param name="Name">Which.</param>
/// <param name="Where">Where it comes from.</param>
/// <param name="Since">Since when it is the same, as far as can be told.</param>
public sealed record SecretView(string Name, string Where, DateTimeOffset Since);

/// <summary>Circuits, limits and secrets.</summary>
/// <param name="Circuits">All breakers.</param>
/// <param name="Limits">All limits.</param>
/// <param name="Secrets">Those that are set.</param>
public sealed record SystemModel(IReadOnlyList<CircuitView> Circuits, IReadOnlyList<LimitView> Limits, IReadOnlyList<SecretView> Secrets);
