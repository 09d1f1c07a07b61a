using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>
/// What HubSpot says when it refuses. Its messages repeat what was sent, so that only its codes and the names of properties are kept.
/// </summary>
/// <param name="Status">The HTTP status of the answer.</param>
/// <param name="Category">HubSpot's word for it: <c>VALIDATION_ERROR</c>, <c>CONFLICT</c>, …</param>
/// <param name="Codes">Words for the details: <c>PROPERTY_DOESNT_EXIST</c>, <c>INVALID_OPTION</c>, …</param>
/// <param name="Properties">Internal names of the properties that it is about.</param>
internal sealed partial record HubSpotError(int Status, string Category, IReadOnlyList<string> Codes, IReadOnlyList<string> Properties)
{
    private static readonly string[] InMessage = ["CONFLICTING_UNIQUE_VALUE", "PROPERTY_DOESNT_EXIST", "INVALID_OPTION", "INVALID_INTEGER", "INVALID_EMAIL", "INVALID_DATE", "READ_ONLY_VALUE", "REQUIRED_FIELD"];

    private static readonly TimeSpan LockedFor = TimeSpan.FromSeconds(2), LongestWait = TimeSpan.FromDays(1);

    /// <summary>Whether a unique value is taken: by an e-mail address (409) or by a property of ours (400).</summary>
    public bool IsConflict => Status == 409 || Category == "CONFLICT" || Has("CONFLICTING_UNIQUE_VALUE") || Has("UNIQUE_VALUE_CONFLICT");

    /// <summary>Whether the record is not there, or not any longer.</summary>
    public bool IsNotFound => Category == "OBJECT_NOT_FOUND" || Has("OBJECT_NOT_FOUND") || (Status == 404 && !Has("INVALID_ASSOCIATION"));

    /// <summary>Reads the error of a whole answer.</summary>
    public static HubSpotError Of(VendorReply.Answer answer) => Of(answer.Status, answer.Body);

    /// <summary>Reads an error, of a whole answer or of one input of a batch.</summary>
    public static HubSpotError Of(int status, JsonNode? error)
    {
        var details = List(error?["errors"]);
        var codes = details.Select(d => Word(d?["code"])).Append(Word(error?["subCategory"])).OfType<string>().Distinct().ToList();
        var properties = details.Append(error).SelectMany(d => Names(d?["context"]?["propertyName"]).Concat(Names(d?["in"]))).ToList();
        // Some answers put their details into the message, as JSON within a text. Of that only words that we know are taken.
        if (Text(error?["message"]) is { } message)
        {
            codes.AddRange(InMessage.Where(c => message.Contains(c, StringComparison.Ordinal)));
            properties.AddRange(NameInMessage().Matches(message).Select(m => m.Groups[1].Value));
        }
        properties = [.. properties.Distinct()];
        return new HubSpotError(status, Word(error?["category"]) ?? "", codes, properties);
    }

    /// <summary>What a write's refusal means to the port.</summary>
    public CrmOutcome.Refused ToRefusal()
    {
        var about = Properties.Count > 0 ? " of " + string.Join(", ", Properties) : "";
        var words = string.Join(", ", Codes.Prepend(Category).Where(w => w.Length > 0).Distinct());
        return this switch
        {
            { IsNotFound: true } => new(CrmCodes.NotFound, "the record is not in HubSpot"),
            { Status: 403 } => new(CrmCodes.Unauthorized, $"HubSpot does not let this token do it ({words}); give it the scope that doctor names"),
            _ when Has("INVALID_ASSOCIATION") || Category == "INVALID_ASSOCIATION" => new(CrmCodes.InvalidReference, "a record that it refers to is not in HubSpot"),
            { Category: "VALIDATION_ERROR" } => new(CrmCodes.InvalidArguments, $"HubSpot does not take the value{about} ({words})"),
            _ => new(CrmCodes.Permanent, string.Create(CultureInfo.InvariantCulture, $"HubSpot refused it: {Status} {words}").TrimEnd()),
        };
    }

    /// <summary>Whether an answer says "not now" rather than no, and if so, how long to wait.</summary>
    /// <param name="answer">An answer that is no success.</param>
    /// <param name="now">The time.</param>
    /// <param name="zone">The account's time zone; the daily limit ends at its midnight.</param>
    public static CrmOutcome.NotNow? NotNow(VendorReply.Answer answer, DateTimeOffset now, TimeZoneInfo zone) => answer.Status switch
    {
        429 => new(NotNowKind.RateLimited, "HubSpot's limit is reached" + (Policy(answer) is { } policy ? $" ({policy})" : ""), Wait(answer, now, zone), CrmFault.RateLimited),
        423 => new(NotNowKind.Transient, "HubSpot has locked the record for a moment", RetryAfter(answer.Headers) ?? LockedFor, CrmFault.ServerError),
        503 => new(NotNowKind.Transient, "HubSpot answered 503", RetryAfter(answer.Headers), CrmFault.ServerError),
        _ => null,
    };

    /// <summary>Whether the request of an answer without a meaning may have been taken all the same.</summary>
    public static bool MayBeTaken(int status) => status is 408 or >= 500 and not 503;

    private bool Has(string code) => Codes.Contains(code);

    private static string? Policy(VendorReply.Answer answer) => Word(answer.Body?["policyName"]);

    // The header is not always sent; the name of the limit says how long its window is.
    private static TimeSpan Wait(VendorReply.Answer answer, DateTimeOffset now, TimeZoneInfo zone) => RetryAfter(answer.Headers) ?? Policy(answer) switch
    {
        "DAILY" => UntilMidnight(now, zone),
        "SECONDLY" => TimeSpan.FromSeconds(1),
        _ => TimeSpan.FromSeconds(10),
    };

    private static TimeSpan UntilMidnight(DateTimeOffset now, TimeZoneInfo zone)
    {
        var midnight = DateTime.SpecifyKind(TimeZoneInfo.ConvertTime(now, zone).Date.AddDays(1), DateTimeKind.Unspecified);
        // Where the clock jumps over midnight, the day begins with the jump.
        if (zone.IsInvalidTime(midnight))
            midnight = midnight.AddHours(1);
        return new DateTimeOffset(midnight, zone.GetUtcOffset(midnight)) - now;
    }

    /// <summary>No limit of HubSpot's lasts longer than its day, whatever a header says.</summary>
    private static TimeSpan? RetryAfter(HttpResponseHeaders headers) =>
        headers.RetryAfter?.Delta is { } delta && delta > TimeSpan.Zero ? (delta < LongestWait ? delta : LongestWait) : null;

    private static IEnumerable<JsonNode?> List(JsonNode? node) => node as JsonArray ?? [];

    private static IEnumerable<string> Names(JsonNode? node) => (node switch
    {
        JsonArray array => array.Select(Text),
        JsonValue => [Text(node)],
        _ => [],
    }).OfType<string>().Where(t => Name().IsMatch(t));

    // Only what looks like a code or a name is kept: a value that was sent looks different, or says nothing.
    private static string? Word(JsonNode? node) => Text(node) is { } text && Code().IsMatch(text) ? text : null;

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    [GeneratedRegex(@"\A[A-Z][A-Z0-9_.]{1,79}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Code();

    [GeneratedRegex("\"name\":\"(" + HubSpotSchema.PropertyName + ")\"", RegexOptions.CultureInvariant)]
    private static partial Regex NameInMessage();

    [GeneratedRegex(@"\A" + HubSpotSchema.PropertyName + @"\z", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
