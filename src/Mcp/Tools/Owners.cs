using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>How a tool comes from what a policy calls an owner to a user of the CRM.</summary>
internal static class Owners
{
    /// <summary>Reads the user that the argument <c>owner</c> names. A plan can ask for one user only, so its steps name the same one.</summary>
    public static CrmQuery AskForOwner(this CrmQuery query, JsonObject arguments) =>
        arguments[CrmFields.Owner]?.GetValue<string>() is { Length: > 0 } owner ? query with { User = owner } : query;

    /// <summary>The only user with this id, else with this e-mail address or name; or the refusal.</summary>
    public static (CrmRecord? Owner, ToolDecision.Refuse? Refusal) Find(CrmView view, string wanted)
    {
        if (view.Users.FirstOrDefault(u => u.Id == wanted) is { } byId)
            return (byId, null);
        var users = view.Users.Where(u => Is(u[CrmFields.Email], wanted) || Is(u[CrmFields.Name], wanted)).ToList();
        return users switch
        {
            [var only] => (only, null),
            [] => (null, new(CrmCodes.UnknownOwner, "No active user of the CRM has the owner's id, e-mail address or name; correct the policy, or create the user.")),
            _ => (null, new(CrmCodes.Ambiguous, $"{users.Count} users have the owner's name; give the id or the e-mail address.", NeedsPerson: true, [.. users.Select(u => u.Id)])),
        };
    }

    private static bool Is(string? value, string wanted) => string.Equals(value?.Trim(), wanted.Trim(), StringComparison.OrdinalIgnoreCase);
}
