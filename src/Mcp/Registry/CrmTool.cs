using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;

namespace LeadPipeline.Mcp.Registry;

/// <summary>What part of the work a tool belongs to.</summary>
public enum ToolCategory { LeadLifecycle, FieldUpdates, AccountContact, SalesWorkflow, Activity, EnrichmentSync }

/// <summary>What a tool may do.</summary>
public enum ToolClass { Read, Write, Destructive }

/// <summary>How it is found out whether a call without an answer took effect.</summary>
public enum UnknownOutcome
{
    /// <summary>The record that the step creates is looked for by its effect key.</summary>
    ReadByEffectKey,
    /// <summary>The fields that the step writes are read and compared.</summary>
    ReadByValue,
    /// <summary>It cannot be found out by reading: the call gets its own durable <c>sent</c>.</summary>
    CannotRead,
}

/// <summary>
/// A tool: typed arguments in, a decision out. A tool never calls the CRM; it is handed what was read and says what to write, so that it
/// can be tested as a table and obeyed alike by every provider.
/// </summary>
public abstract class CrmTool
{
    /// <summary>Unique on its surface; snake_case.</summary>
    public abstract string Name { get; }
    /// <summary>One plain sentence for people.</summary>
    public abstract string Description { get; }
    /// <summary>What it promises, in a few words, for the documentation.</summary>
    public abstract string Guarantee { get; }
    /// <summary>The stable codes that it refuses with, apart from <c>invalid_arguments</c>; see <see cref="CrmCodes"/>.</summary>
    public virtual IReadOnlyList<string> Errors => [];
    /// <summary>The part of the work.</summary>
    public abstract ToolCategory Category { get; }
    /// <summary>What it may do.</summary>
    public virtual ToolClass Class => ToolClass.Write;
    /// <summary>Parameters, strict: what is not declared is refused.</summary>
    public abstract ToolParameters Parameters { get; }
    /// <summary>How its effect is undone.</summary>
    public abstract Compensation Compensation { get; }
    /// <summary>How an unknown outcome is resolved.</summary>
    public abstract UnknownOutcome UnknownOutcome { get; }
    /// <summary>
    /// Whether it cannot be undone, nor its plan be turned back once it took effect. A pivot is the last step of its plan and is sent when
    /// everything before it is settled, alone, after its own durable <c>sent</c>.
    /// </summary>
    public virtual bool IsPivot => false;
    /// <summary>Time for everything that is sent at once with it, tries in place included. Default 30 s.</summary>
    public virtual TimeSpan Timeout => TimeSpan.FromSeconds(30);
    /// <summary>Names of the results that later steps may refer to, <c>recordId</c> always among them.</summary>
    public virtual IReadOnlyList<string> Results => ["recordId"];

    /// <summary>The kind of record that a step may create, looked for by its effect key before it is created again; null when it only changes fields.</summary>
    public virtual CrmObject? Creates => null;

    /// <summary>
    /// Whether the tool looks for what is there before it creates, so that a later run of the same lead may simply ask it again. A tool that
    /// creates and does not look would add a second record; what an earlier run did with it is never done again unasked.
    /// </summary>
    public virtual bool FindsOrCreates => false;

    /// <summary>Adds what has to be read before <see cref="Decide"/>. Arguments may still hold references to earlier steps.</summary>
    public virtual CrmQuery Ask(CrmQuery query, JsonObject arguments) => query;

    /// <summary>Decides what to write, from the arguments and from what was read. Pure.</summary>
    public abstract ToolDecision Decide(ToolCall call, CrmView view);
}

/// <summary>One call of a tool within a plan.</summary>
/// <param name="Step">The plan step.</param>
/// <param name="Arguments">Valid arguments; references to earlier steps are resolved, to a value or, for a record that is yet to be created, to <c>@STEP</c>.</param>
/// <param name="EffectKey">The step's stable key, to be written into what it creates.</param>
/// <param name="Now">The time of this execution.</param>
/// <param name="RecordKey">Makes the external key of a lead (from its e-mail) or of an account (from its domain).</param>
public sealed record ToolCall(string Step, JsonObject Arguments, string EffectKey, DateTimeOffset Now, Func<string, string> RecordKey)
{
    /// <summary>Whether an earlier try of the step may have reached the CRM: what it asks for may be there because of us.</summary>
    public bool MayHaveBeenSent { get; init; }

    /// <summary>A text argument, or null when it is not given.</summary>
    public string? Text(string name) => Arguments[name]?.GetValue<string>();

    /// <summary>A number argument, or null when it is not given.</summary>
    public decimal? Number(string name) =>
        // The text form, because a node made in code holds an int or a decimal and answers only to its own type.
        Arguments[name] is { } node ? decimal.Parse(node.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture) : null;

    /// <summary>Whether a boolean argument is given and true.</summary>
    public bool Flag(string name) => Arguments[name]?.GetValue<bool>() ?? false;

    /// <summary>A date argument, or null when it is not given.</summary>
    public DateOnly? Date(string name) =>
        Text(name) is { } text ? DateOnly.ParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture) : null;

    /// <summary>The day of this execution, in UTC.</summary>
    public DateOnly Today => DateOnly.FromDateTime(Now.UtcDateTime);
}

/// <summary>What a tool decided. A closed family.</summary>
public abstract record ToolDecision
{
    private ToolDecision() { }

    /// <summary>Write this.</summary>
    /// <param name="Writes">The changes in order; the step's record is that of the first.</param>
    /// <param name="Data">Results known already; <c>recordId</c> is filled in by the execution, unless it is here because the step's record is another than the first written.</param>
    /// <param name="Before">The fields that the updates will overwrite, as they are now; null value: empty. Null when records are only created.</param>
    /// <param name="Warning">Something a person should know.</param>
    public sealed record Write(
        IReadOnlyList<CrmWrite> Writes,
        IReadOnlyDictionary<string, string>? Data = null,
        IReadOnlyDictionary<string, string?>? Before = null,
        string? Warning = null) : ToolDecision;

    /// <summary>The CRM already is as the step wants it.</summary>
    /// <param name="RecordId">The record; null when there is none.</param>
    /// <param name="Data">Results for later steps.</param>
    /// <param name="Warning">Something a person should know.</param>
    public sealed record Unchanged(string? RecordId, IReadOnlyDictionary<string, string>? Data = null, string? Warning = null) : ToolDecision;

    /// <summary>It will not be done.</summary>
    /// <param name="Code">A stable code, see <see cref="CrmCodes"/>.</param>
    /// <param name="Message">What and why, without personal data.</param>
    /// <param name="NeedsPerson">Whether a person has to choose (two matching records): the whole lead goes to review.</param>
    /// <param name="Candidates">Ids of the records to choose from.</param>
    public sealed record Refuse(string Code, string Message, bool NeedsPerson = false, IReadOnlyList<string>? Candidates = null) : ToolDecision;
}
