using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Mcp.Crm.Salesforce;

/// <summary>One answer of Salesforce that says no: the status and the first of its errors.</summary>
/// <param name="Status">HTTP status of the call or of the part of a composite.</param>
/// <param name="Code">Salesforce's code, empty when it gave none.</param>
/// <param name="Message">Its words. They may repeat what was written, so they go nowhere but into decisions here.</param>
/// <param name="Fields">API names of the fields it is about.</param>
/// <param name="Records">Ids of records that it names, of a duplicate rule for example.</param>
internal sealed record SalesforceError(int Status, string Code, string Message, IReadOnlyList<string> Fields, IReadOnlyList<string> Records)
{
    /// <summary>Nothing was wrong with the part itself: it fell with another one.</summary>
    public bool IsHalted => Code == "PROCESSING_HALTED";

    /// <summary>Reads the body of an answer.</summary>
    public static SalesforceError Read(int status, JsonNode? body)
    {
        var first = (body as JsonArray)?.FirstOrDefault() as JsonObject ?? body as JsonObject;
        if (first is null)
            return new(status, "", "", [], []);
        // Rest says errorCode, save results say statusCode.
        var code = SalesforceFields.Text(first, "errorCode") ?? SalesforceFields.Text(first, "statusCode") ?? "";
        var fields = (first["fields"] as JsonArray)?.OfType<JsonValue>().Select(v => v.TryGetValue<string>(out var text) ? text : "").Where(t => t.Length > 0).ToList() ?? [];
        var records = ((first["duplicateResult"] as JsonObject)?["matchResults"] as JsonArray)?.OfType<JsonObject>()
            .SelectMany(m => (m["matchRecords"] as JsonArray)?.OfType<JsonObject>() ?? [])
            .Select(m => m["record"] is JsonObject record ? SalesforceFields.Text(record, "Id") : null).OfType<string>().ToList() ?? [];
        return new(status, code, SalesforceFields.Text(first, "message") ?? "", fields, records);
    }
}

/// <summary>What Salesforce's refusals mean for us. One table.</summary>
internal static class SalesforceErrors
{
    private static readonly TimeSpan ConcurrentWait = TimeSpan.FromSeconds(5);
    // The allowance is of the last 24 hours, so a quarter of an hour frees some of it.
    private static readonly TimeSpan DailyWait = TimeSpan.FromMinutes(15);

    /// <summary>What a refused write comes to.</summary>
    public static CrmOutcome Outcome(SalesforceError error, CrmWrite write)
    {
        var about = error.Fields.Count > 0 ? $" ({string.Join(", ", error.Fields)})" : "";
        var named = error.Records.Count > 0 ? $": {string.Join(", ", error.Records)}" : "";
        return error.Code switch
        {
            "DUPLICATES_DETECTED" => new CrmOutcome.Refused(CrmCodes.DuplicateLead, $"a duplicate rule of the CRM finds this {SalesforceFields.Name(write.Object)} there already{named}"),
            // Somebody was faster with one of our own keys: what there is has to be looked at again.
            "DUPLICATE_VALUE" or "DUPLICATE_EXTERNAL_ID" when write is CreateRecord { Object: not CrmObject.CampaignMember } => new CrmOutcome.Refused(CrmCodes.ChangedSince, $"a {SalesforceFields.Name(write.Object)} with this key is there by now"),
            "DUPLICATE_VALUE" when write.Object == CrmObject.CampaignMember => new CrmOutcome.Refused(CrmCodes.Permanent, "the lead is a member of the campaign already"),
            // An upsert that finds its member there changes it, and whose member of which campaign it is cannot be changed: an earlier call of ours arrived late.
            "INVALID_FIELD_FOR_INSERT_UPDATE" when write is CreateRecord { Object: CrmObject.CampaignMember } && error.Fields.Any(f => f is "LeadId" or "ContactId" or "CampaignId")
                => new CrmOutcome.Refused(CrmCodes.ChangedSince, "the member is there by now"),
            "ENTITY_IS_DELETED" or "NOT_FOUND" => new CrmOutcome.Refused(CrmCodes.NotFound, "the record is not in the CRM any more"),
            "INVALID_CROSS_REFERENCE_KEY" => write is CreateRecord
                ? new CrmOutcome.Refused(CrmCodes.InvalidReference, $"a record that it links to is not in the CRM{about}")
                : new CrmOutcome.Refused(CrmCodes.NotFound, "the record or one that it links to is not in the CRM any more"),
            "CANNOT_UPDATE_CONVERTED_LEAD" => new CrmOutcome.Refused(CrmCodes.NotConvertible, "the lead is converted and cannot be changed any more"),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" => new CrmOutcome.Refused(
                error.Fields.Contains("StageName") ? CrmCodes.InvalidStage : write.Object == CrmObject.Lead && error.Fields.Contains("Status") ? CrmCodes.InvalidStatus : CrmCodes.Permanent,
                $"the org's pick list has no such value{about}"),
            "INACTIVE_OWNER_OR_USER" or "TRANSFER_REQUIRES_READ" => new CrmOutcome.Refused(CrmCodes.UnknownOwner, "the owner is not active or may not own this"),
            "INSUFFICIENT_ACCESS_OR_READONLY" or "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" or "INSUFFICIENT_ACCESS" or "INVALID_FIELD_FOR_INSERT_UPDATE" or "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" or "DELETE_FAILED"
                => new CrmOutcome.Refused(CrmCodes.Unauthorized, $"the CRM does not let us do this: {error.Code}{about}"),
            "UNABLE_TO_LOCK_ROW" => new CrmOutcome.NotNow(NotNowKind.Transient, "another writer holds the record", Fault: CrmFault.ServerError),
            "REQUEST_LIMIT_EXCEEDED" or "SERVER_UNAVAILABLE" or "QUERY_TIMEOUT" or "UNKNOWN_EXCEPTION" or "INVALID_SESSION_ID" => NotNow(error),
            _ when error.Status == 300 => new CrmOutcome.Refused(CrmCodes.Ambiguous, "several records carry this key; the field must be unique"),
            _ when error.Status is 429 or >= 500 => NotNow(error),
            "" => new CrmOutcome.Refused(CrmCodes.Permanent, string.Create(CultureInfo.InvariantCulture, $"the CRM answered {error.Status}")),
            _ => new CrmOutcome.Refused(CrmCodes.Permanent, $"the CRM refused it: {error.Code}{about}"),
        };
    }

    /// <summary>A refusal that passes, or that a person has to mend; never one of the record.</summary>
    public static CrmOutcome.NotNow NotNow(SalesforceError error) => error switch
    {
        // One code for two limits: only the words tell them apart.
        { Code: "REQUEST_LIMIT_EXCEEDED" } when error.Message.Contains("Concurrent", StringComparison.OrdinalIgnoreCase)
            => new(NotNowKind.RateLimited, "the CRM is working on too many of our calls at once", ConcurrentWait, CrmFault.RateLimited),
        { Code: "REQUEST_LIMIT_EXCEEDED" } => new(NotNowKind.RateLimited, "the CRM's daily allowance of calls is used up", DailyWait, CrmFault.RateLimited),
        { Status: 429 } => new(NotNowKind.RateLimited, "the CRM's limit is reached", ConcurrentWait, CrmFault.RateLimited),
        { Status: 401 } or { Code: "INVALID_SESSION_ID" } => new(NotNowKind.Unauthorized, "the CRM refuses the credentials", Fault: CrmFault.Unauthorized),
        { Status: 403 } => new(NotNowKind.Unauthorized, $"the CRM does not let this user in: {error.Code}", Fault: CrmFault.Forbidden),
        { Code: "INVALID_FIELD" or "INVALID_TYPE" } => new(NotNowKind.Unauthorized, "the CRM lacks a field or object that we need, or hides it from our user; doctor says which", Fault: CrmFault.Forbidden),
        _ => new(NotNowKind.Transient, string.Create(CultureInfo.InvariantCulture, $"the CRM answered {error.Status}{(error.Code.Length > 0 ? " " + error.Code : "")}"), Fault: error.Status is 408 or >= 500 ? CrmFault.ServerError : CrmFault.Unknown),
    };

    /// <summary>Whether a call that was answered so may have been taken all the same. A gateway's answer says nothing of what is behind it.</summary>
    public static bool MayBeTaken(int status) => status is 408 or (>= 500 and not 503);

    /// <summary>The allowance that an answer tells of, if it does: <c>api-usage=used/limit</c>.</summary>
    public static (long Used, long Limit)? Usage(VendorReply.Answer answer)
    {
        if (!answer.Headers.TryGetValues("Sforce-Limit-Info", out var values))
            return null;
        foreach (var part in string.Join(',', values).Split([',', ';'], StringSplitOptions.TrimEntries))
        {
            if (part.StartsWith("api-usage=", StringComparison.OrdinalIgnoreCase) && part["api-usage=".Length..].Split('/') is [var used, var limit]
                && long.TryParse(used, NumberStyles.None, CultureInfo.InvariantCulture, out var u) && long.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out var l))
            {
                return (u, l);
            }
        }
        return null;
    }
}
