using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tests.Tools;

/// <summary>Calls a tool as the execution would and builds the records it looks at.</summary>
internal static class ToolCase
{
    public const string Effect = "effect-1";

    public static readonly DateTimeOffset Now = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);

    public static ToolDecision Decide(CrmTool tool, CrmView view, string arguments)
    {
        var parsed = JsonNode.Parse(arguments)!.AsObject();
        Assert.That(tool.Parameters.Validate(parsed), Is.Empty, "the case calls the tool as the execution never would");
        return tool.Decide(new ToolCall("step", parsed, Effect, Now, text => "key:" + text), view);
    }

    public static CrmRecord Record(CrmObject kind, string id, string? recordKey, params (string Field, string Value)[] fields) =>
        new(kind, id, fields.ToDictionary(f => f.Field, f => f.Value), "v1", RecordKey: recordKey);

    public static CrmRecord Lead(string id, params (string Field, string Value)[] fields) => Record(CrmObject.Lead, id, null, fields);

    public static CrmRecord Account(string id, string name, string? domain = null) =>
        domain is null ? Record(CrmObject.Account, id, null, ("name", name)) : Record(CrmObject.Account, id, null, ("name", name), ("domain", domain));

    public static CrmView View(params CrmRecord[] leads) => new() { Leads = leads };

    public static CrmView Replayed(CrmObject kind, string id) => new() { Effects = new Dictionary<string, CrmRecord> { [Effect] = Record(kind, id, null) } };

    public static T As<T>(ToolDecision decision) where T : ToolDecision
    {
        Assert.That(decision, Is.TypeOf<T>());
        return (T)decision;
    }

    public static UpdateRecord OnlyUpdate(ToolDecision decision)
    {
        var write = As<ToolDecision.Write>(decision);
        Assert.That(write.Writes, Has.Count.EqualTo(1));
        return (UpdateRecord)write.Writes[0];
    }

    public static CreateRecord OnlyCreate(ToolDecision decision)
    {
        var write = As<ToolDecision.Write>(decision);
        Assert.That(write.Writes, Has.Count.EqualTo(1));
        return (CreateRecord)write.Writes[0];
    }
}
