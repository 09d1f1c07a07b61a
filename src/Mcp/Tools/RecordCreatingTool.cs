using System.Globalization;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>A tool whose step creates one record, found again by its effect key.</summary>
public abstract class RecordCreatingTool(CrmObject kind) : CrmTool
{
    /// <inheritdoc/>
    public sealed override CrmObject? Creates => kind;

    /// <inheritdoc/>
    public sealed override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByEffectKey;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Withdraw;

    /// <inheritdoc/>
    public sealed override ToolDecision Decide(ToolCall call, CrmView view) =>
        view.Effects.TryGetValue(call.EffectKey, out var existing)
            ? new ToolDecision.Unchanged(existing.Id, Warning: CrmCodes.Replayed)
            : DecideNew(call, view);

    /// <summary>Decides for a step whose record is not in the CRM yet.</summary>
    protected abstract ToolDecision DecideNew(ToolCall call, CrmView view);

    /// <summary>Creates the step's record; fields without a value are left out.</summary>
    private protected ToolDecision.Write Create(ToolCall call, string? warning, params ReadOnlySpan<(string Field, string? Value)> fields)
    {
        var given = new Dictionary<string, string>();
        foreach (var (field, value) in fields)
        {
            if (!string.IsNullOrEmpty(value))
                given[field] = value;
        }
        return new ToolDecision.Write([new CreateRecord(call.Step, Name, kind, call.EffectKey, RecordKey: null, given)], Warning: warning);
    }

    /// <summary>
    /// A day that is not in the past. A plan may wait (an outage, a dead letter that is replayed days later), and a task that is due
    /// already helps the sales team more than no task, so the day is moved up instead of refused.
    /// </summary>
    private protected static (string Day, string? Warning) NotInThePast(ToolCall call, string name)
    {
        var wanted = call.Date(name)!.Value;
        var day = wanted < call.Today ? call.Today : wanted;
        return (Text(day), day == wanted ? null : $"{name} was moved from {Text(wanted)} to {Text(day)}, because it had passed.");
    }

    private static string Text(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
