using System.Globalization;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>How a tool that sets fields of the plan's lead comes to its decision.</summary>
internal static class LeadFields
{
    /// <summary>The parameter that names the lead.</summary>
    public static readonly ToolParameter LeadId = new(CrmFields.Lead, ParameterType.Text, "the lead's record id, or an earlier step's result", Required: true, MaxLength: 100);

    /// <summary>Reads the lead, when its id is known before the plan runs.</summary>
    public static CrmQuery AskForLead(this CrmQuery query, System.Text.Json.Nodes.JsonObject arguments)
    {
        var id = arguments[CrmFields.Lead]?.GetValue<string>();
        return string.IsNullOrEmpty(id) || id[0] is '$' or '@' || query.Records.Contains((CrmObject.Lead, id))
            ? query
            : query with { Records = [.. query.Records, (CrmObject.Lead, id)] };
    }

    /// <summary>The record with this id, wherever the read put it.</summary>
    public static CrmRecord? Lead(this CrmView view, string id) =>
        view.Leads.FirstOrDefault(r => r.Id == id)
        ?? view.Records.GetValueOrDefault(id)
        ?? view.Effects.Values.FirstOrDefault(r => r.Object == CrmObject.Lead && r.Id == id);

    /// <summary>Sets fields to values, whatever they hold now; writes only those that differ and keeps what they held.</summary>
    public static ToolDecision Set(string tool, ToolCall call, CrmView view, IReadOnlyDictionary<string, string> wanted)
    {
        var target = RecordRef.Parse(call.Text(CrmFields.Lead)!);
        if (target.Id is not { } id)
            return Update(tool, call, target, wanted.ToDictionary(f => f.Key, string? (f) => f.Value), before: null, expectedVersion: null);

        // Without having seen the record there is no before-image, and without one nothing could be undone.
        if (view.Lead(id) is not { } lead)
            return new ToolDecision.Refuse(CrmCodes.NotFound, "The lead's record is not in the CRM; it may have been deleted.");

        var changed = wanted.Where(f => !Same(lead[f.Key], f.Value)).ToDictionary(f => f.Key, string? (f) => f.Value);
        return changed.Count == 0 ? new ToolDecision.Unchanged(id) : Update(tool, call, target, changed, lead, lead.Version);
    }

    /// <summary>Whether a field already holds a value; numbers compare as numbers, since a CRM may answer 85.0 for 85.</summary>
    public static bool Same(string? current, string wanted) =>
        current == wanted
        || (decimal.TryParse(current, NumberStyles.Float, CultureInfo.InvariantCulture, out var a)
            && decimal.TryParse(wanted, NumberStyles.Float, CultureInfo.InvariantCulture, out var b) && a == b);

    private static ToolDecision.Write Update(
        string tool, ToolCall call, RecordRef target, IReadOnlyDictionary<string, string?> fields, CrmRecord? before, string? expectedVersion) =>
        new([new UpdateRecord(call.Step, tool, CrmObject.Lead, target, fields, expectedVersion)],
            Before: fields.Keys.ToDictionary(f => f, f => before?[f]));
}
