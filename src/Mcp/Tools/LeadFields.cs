using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>How a tool that sets fields of the plan's lead comes to its decision.</summary>
internal static class LeadFields
{
    /// <summary>The parameter that names the lead.</summary>
    public static readonly ToolParameter LeadId = new(CrmFields.Lead, ParameterType.Text, "the lead's record id, or an earlier step's result", Required: true, MaxLength: 100);

    /// <summary>Reads the lead, when its id is known before the plan runs.</summary>
    public static CrmQuery AskForLead(this CrmQuery query, JsonObject arguments) => query.AskFor(CrmObject.Lead, arguments, CrmFields.Lead);

    /// <summary>The lead with this id, wherever the read put it.</summary>
    public static CrmRecord? Lead(this CrmView view, string id) => view.Find(CrmObject.Lead, id);

    /// <summary>Sets fields to values, whatever they hold now; writes only those that differ and keeps what they held.</summary>
    public static ToolDecision Set(string tool, ToolCall call, CrmView view, IReadOnlyDictionary<string, string> wanted) =>
        RecordFields.Set(tool, call, view, CrmObject.Lead, CrmFields.Lead, wanted);
}
