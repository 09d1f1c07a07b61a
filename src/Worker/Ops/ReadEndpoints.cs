using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Privacy;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;

namespace LeadPipeline.Worker.Ops;

/// <summary>Leads, their audit and the mock CRM, to read.</summary>
public static class ReadEndpoints
{
    /// <summary>Maps them; all need the role <c>user</c>.</summary>
    public static void MapReading(this IEndpointRouteBuilder app)
    {
        var read = app.MapGroup("").RequireAuthorization(Access.Reader);
        read.MapGet("/leads", ListAsync).Describe(new RouteDescription("listLeads", "leads", "Leads, newest first.")
        {
            Inputs =
            [
                new RouteInput(InputPlace.Query, "status", "LeadStatus", "Only those that stand here."),
                new RouteInput(InputPlace.Query, "source", "Text", "Only those from this source."),
                new RouteInput(InputPlace.Query, "since", "Time", "Only those received since then."),
                new RouteInput(InputPlace.Query, "limit", "PageSize", "Leads on a page."),
                new RouteInput(InputPlace.Query, "cursor", "Cursor", "Where the page begins."),
            ],
            Answers = [new RouteAnswer(200, "A page.", "LeadPage"), RouteAnswer.Problem(400, "A bad parameter.")],
        });
        read.MapGet("/leads/{id:guid}", LeadAsync).Describe(new RouteDescription("showLead", "leads", "Everything known of a lead.")
        {
            Answers = [new RouteAnswer(200, "The lead, or the first one that it is a copy of.", "LeadView"), RouteAnswer.Problem(404, "No such lead; for a moment also one that was just accepted.")],
        });
        read.MapGet("/leads/{id:guid}/audit", AuditAsync).Describe(new RouteDescription("showLeadAudit", "leads", "The audit chain of a lead.")
        {
            Answers = [new RouteAnswer(200, "Its events, in order.", "AuditEvents"), RouteAnswer.Problem(404, "No such lead.")],
        });
        var kind = new RouteInput(InputPlace.Path, "kind", "CrmKind", "The kind of record.");
        read.MapGet("/crm/{kind}", RecordsAsync).Describe(new RouteDescription("listCrmRecords", "crm", "Records of the mock CRM.")
        {
            Inputs = [kind],
            Answers = [new RouteAnswer(200, "The records.", "CrmRecords"), RouteAnswer.Problem(404, "No such kind.")],
        });
        read.MapGet("/crm/{kind}/{id}", RecordAsync).Describe(new RouteDescription("showCrmRecord", "crm", "A record of the mock CRM.")
        {
            Inputs = [kind, new RouteInput(InputPlace.Path, "id", "Text", "Its id in the CRM.")],
            Answers = [new RouteAnswer(200, "The record.", "CrmRecord"), RouteAnswer.Problem(404, "No such kind, or no such record.")],
        });
    }

    private static async Task<IResult> LeadAsync(Guid id, HttpContext context, LeadQueries leads, PersonalDataViews views)
    {
        var full = Access.MaySeePersonalData(context.User) && await views.WriteDownAsync(id, OperatorBody.Actor(context), context.RequestAborted);
        return await leads.FindAsync(id, full, context.RequestAborted) is { } lead ? Results.Json(lead) : NotFound("lead");
    }

    private static async Task<IResult> AuditAsync(Guid id, HttpContext context, LeadQueries leads) =>
        await leads.AuditAsync(id, context.RequestAborted) is { } events
            ? Results.Json(new JsonObject { ["items"] = new JsonArray([.. events.Select(e => JsonSerializer.SerializeToNode(e, ContractsJson.Default.AuditEvent))]) })
            : NotFound("lead");

    private static async Task<IResult> RecordsAsync(string kind, HttpContext context, MockCrmStore crm, Redactor redactor) =>
        CrmNames.Parse(kind) is { } known
            ? Results.Json(new JsonObject { ["items"] = new JsonArray([.. (await crm.ListAsync(known, 1000, context.RequestAborted)).Select(r => Record(r, context, redactor))]) })
            : NotFound("kind of record");

    private static async Task<IResult> RecordAsync(string kind, string id, HttpContext context, MockCrmStore crm, Redactor redactor) =>
        CrmNames.Parse(kind) is { } known && await crm.FindAsync(id, context.RequestAborted) is { } record && record.Object == known
            ? Results.Json(Record(record, context, redactor))
            : NotFound("record");

    private static async Task<IResult> ListAsync(HttpContext context, LeadQueries leads, string? status = null, string? source = null, string? since = null, string? limit = null, string? cursor = null)
    {
        var errors = new List<FieldError>();
        LeadStatus? wanted = null;
        if (status is not null)
        {
            if (Enum.TryParse<LeadStatus>(status, ignoreCase: true, out var parsed) && Enum.IsDefined(parsed))
                wanted = parsed;
            else
                errors.Add(new FieldError("status", "is not a status", $"use one of {string.Join(", ", Enum.GetNames<LeadStatus>())}"));
        }
        DateTimeOffset? from = null;
        if (since is not null)
        {
            if (DateTimeOffset.TryParse(since, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed))
                from = parsed;
            else
                errors.Add(new FieldError("since", "is not a time", "write an ISO time, for example 2026-01-31T08:00:00Z"));
        }
        var size = 50;
        if (limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out size) || size is < 1 or > 200))
            errors.Add(new FieldError("limit", "is not allowed", "use a whole number from 1 to 200"));
        if (errors.Count > 0)
            return Problems.Of(400, "invalid", "The query is not valid.", [.. errors]);
        try
        {
            var (items, next) = await leads.ListAsync(wanted, source, from, size, cursor, Access.MaySeePersonalData(context.User), context.RequestAborted);
            return Results.Json(new JsonObject { ["items"] = new JsonArray([.. items.Select(i => (JsonNode)i)]), ["next"] = next });
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            return Problems.Of(400, "invalid", "The query is not valid.", new FieldError("cursor", "is not one that this service gave", "take next of the page before"));
        }
    }

    private static JsonNode? Record(CrmRecord record, HttpContext context, Redactor redactor)
    {
        var json = CrmNames.Json(record);
        return Access.MaySeePersonalData(context.User) ? json : redactor.Redact(json);
    }

    private static IResult NotFound(string what) => Problems.Of(404, "not-found", $"There is no such {what}.");
}

/// <summary>The mock CRM's kinds of records as people name them.</summary>
public static class CrmNames
{
    private static readonly Dictionary<string, CrmObject> Kinds = new(StringComparer.OrdinalIgnoreCase)
    {
        ["leads"] = CrmObject.Lead,
        ["accounts"] = CrmObject.Account,
        ["contacts"] = CrmObject.Contact,
        ["opportunities"] = CrmObject.Opportunity,
        ["tasks"] = CrmObject.Task,
        ["activities"] = CrmObject.Activity,
        ["notes"] = CrmObject.Note,
        ["campaigns"] = CrmObject.Campaign,
        ["campaign-members"] = CrmObject.CampaignMember,
        ["users"] = CrmObject.User,
    };

    /// <summary>All names.</summary>
    public static IReadOnlyCollection<string> All => Kinds.Keys;

    /// <summary>The kind with a name, or null.</summary>
    public static CrmObject? Parse(string name) => Kinds.TryGetValue(name, out var kind) ? kind : null;

    /// <summary>A record as people read it.</summary>
    public static JsonObject Json(CrmRecord record)
    {
        var json = new JsonObject { ["id"] = record.Id, ["object"] = record.Object.ToString() };
        foreach (var (field, value) in record.Fields.OrderBy(f => f.Key, StringComparer.Ordinal))
            json[field] = field == CrmFields.Score && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var score) ? score : value;
        json["effectKey"] = record.EffectKey;
        json["recordKey"] = record.RecordKey;
        json["version"] = record.Version;
        return json;
    }
}
