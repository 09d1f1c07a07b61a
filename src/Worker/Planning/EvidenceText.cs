using System.Text.Json;

namespace LeadPipeline.Worker.Planning;

/// <summary>Writes an evidence value as text.</summary>
internal static class EvidenceText
{
    /// <summary>Text as it is, numbers and booleans as in JSON, lists separated by semicolons.</summary>
    public static string Of(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        // Semicolons, since that is how the pick lists of CRMs separate and a member may hold a comma.
        JsonValueKind.Array => string.Join("; ", value.EnumerateArray().Select(Of)),
        JsonValueKind.Null or JsonValueKind.Undefined => "",
        _ => value.GetRawText(),
    };
}
