using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>How a tool that sets fields of a record comes to its decision.</summary>
internal static class RecordFields
{
    /// <summary>Reads the record that an argument names, when its id is known before the plan runs.</summary>
    public static CrmQuery AskFor(this CrmQuery query, CrmObject kind, JsonObject arguments, string argument)
    {
        var id = arguments[argument]?.GetValue<string>();
        return string.IsNullOrEmpty(id) || id[0] is '$' or '@' || query.Records.Contains((kind, id))
            ? query
            : query with { Records = [.. query.Records, (kind, id)] };
    }

    /// <summary>The record of this kind with this id, wherever the read put it.</summary>
    public static CrmRecord? Find(this CrmView view, CrmObject kind, string id) =>
        (view.Records.TryGetValue(id, out var record) && record.Object == kind ? record : null)
        ?? Known(view, kind).FirstOrDefault(r => r.Id == id)
        ?? view.Effects.Values.FirstOrDefault(r => r.Object == kind && r.Id == id);

    /// <summary>Sets fields to values, whatever they hold now; writes only those that differ and keeps what they held.</summary>
    /// <param name="tool">The tool that decides.</param>
    /// <param name="call">Its call.</param>
    /// <param name="view">What was read.</param>
    /// <param name="kind">The kind of the record.</param>
    /// <param name="argument">The argument that names the record.</param>
    /// <param name="wanted">The values.</param>
    public static ToolDecision Set(string tool, ToolCall call, CrmView view, CrmObject kind, string argument, IReadOnlyDictionary<string, string> wanted)
    {
        var target = RecordRef.Parse(call.Text(argument)!);
        if (target.Id is not { } id)
            return Update(tool, call, kind, target, wanted.ToDictionary(f => f.Key, string? (f) => f.Value), before: null);

        // Without having seen the record there is no before-image, and without one nothing could be undone.
        if (view.Find(kind, id) is not { } record)
            return NotFound(kind);

        var changed = wanted.Where(f => !Same(record[f.Key], f.Value)).ToDictionary(f => f.Key, string? (f) => f.Value);
        return changed.Count == 0 ? new ToolDecision.Unchanged(id) : Update(tool, call, kind, target, changed, record);
    }

    /// <summary>The refusal when the record is gone.</summary>
    public static ToolDecision.Refuse NotFound(CrmObject kind) =>
        new(CrmCodes.NotFound, $"The {Word(kind)}'s record is not in the CRM; it may have been deleted.");

    /// <summary>Whether a field already holds a value; numbers compare as numbers, since a CRM may answer 85.0 for 85.</summary>
    public static bool Same(string? current, string wanted) =>
        current == wanted
        || (decimal.TryParse(current, NumberStyles.Float, CultureInfo.InvariantCulture, out var a)
            && decimal.TryParse(wanted, NumberStyles.Float, CultureInfo.InvariantCulture, out var b) && a == b);

    /// <summary>An update of some fields that keeps what they hold.</summary>
    public static ToolDecision.Write Update(
        string tool, ToolCall call, CrmObject kind, RecordRef target, IReadOnlyDictionary<string, string?> fields, CrmRecord? before, string? warning = null) =>
        new([new UpdateRecord(call.Step, tool, kind, target, fields, before?.Version)],
            Before: fields.Keys.ToDictionary(f => f, f => before?[f]), Warning: warning);

    private static IReadOnlyList<CrmRecord> Known(CrmView view, CrmObject kind) => kind switch
    {
        CrmObject.Lead => view.Leads,
        CrmObject.Account => view.Accounts,
        CrmObject.Opportunity => view.OpenOpportunities,
        CrmObject.Contact => view.Contacts,
        CrmObject.User => view.Users,
        _ => [],
    };

    private static string Word(CrmObject kind) => kind switch
    {
        CrmObject.Account => "account",
        CrmObject.Contact => "contact",
        CrmObject.Opportunity => "opportunity",
        _ => "lead",
    };
}
