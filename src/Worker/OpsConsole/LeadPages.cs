using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.OpsConsole.Pages;
using LeadPipeline.Worker.OpsConsole.Session;
using LeadPipeline.Worker.OpsConsole.Views;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>Leads: the list, the search, one lead, and what may be done with it.</summary>
internal static class LeadPages
{
    /// <summary>The spans that the list offers.</summary>
    public static readonly IReadOnlyList<(string Value, string Name)> Spans = [("", "Any time"), ("1h", "In the last hour"), ("24h", "In the last day"), ("7d", "In the last week"), ("30d", "In the last 30 days")];

    private const int PageSize = 50;

    public static void MapLeadPages(this IEndpointRouteBuilder app)
    {
        var read = app.Pages(Access.Reader);
        read.MapGet("/leads", ListAsync).Describe(ConsoleRoutes.Looks("consoleLeads", "Leads, newest first."));
        read.MapPost("/leads/search", SearchAsync).Describe(ConsoleRoutes.Acts("consoleFindLead", "Finds a lead by its id, or those of a person by the exact e-mail, which stays out of every address.", "ConsoleSearch", ConsoleRoutes.Html(404, "Nothing fits.")));
        read.MapGet("/leads/{id:guid}", (Guid id, HttpContext context, LeadQueries leads) => ShowAsync(id, full: false, context, leads))
            .Describe(ConsoleRoutes.Looks("consoleLead", "Everything known of a lead, personal data masked.", ConsoleRoutes.Html(404, "No such lead.")));
        read.MapPost("/leads/{id:guid}/reveal", RevealAsync).RequireAuthorization(Access.Operator)
            .Describe(new RouteDescription("consoleRevealLead", "console", "The same in full; that somebody looked is written into the audit chain first.")
            {
                Bodies = [ConsoleRoutes.Form()],
                Answers = [ConsoleRoutes.Html(), ConsoleRoutes.Html(404, "No such lead."), ConsoleRoutes.Html(409, "It is erased."), RouteAnswer.Problem(400, "The form is not one of this visit."), RouteAnswer.Problem(415, "Not a form.")],
            });

        var operate = app.Pages(Access.Operator);
        operate.MapPost("/leads/{id:guid}/replay", async (Guid id, HttpContext context, LeadOperations operations) =>
            ConsoleRoutes.Answer(await operations.ReplayAsync(id, again: false, OperatorBody.Actor(context), context.RequestAborted), Back(id, "replayed", context)))
            .Describe(Order("consoleReplayLead", "Begins the next run of a lead that has ended."));
        operate.MapPost("/leads/{id:guid}/cancel", async (Guid id, HttpContext context, LeadOperations operations) =>
            ConsoleRoutes.Answer(await operations.CancelAsync(id, OperatorBody.Actor(context), context.RequestAborted), Back(id, "cancelled", context)))
            .Describe(Order("consoleCancelLead", "Stops a lead of which nothing has been sent."));
        app.Pages(Access.Admin).MapPost("/leads/{id:guid}/erase", EraseAsync).Describe(Order("consoleEraseLead", "Destroys the personal data of a lead."));
    }

    /// <summary>The address of a page of the same list.</summary>
    public static string Address(LeadsModel model, string cursor) => "/ops/leads" + QueryString.Create(new Dictionary<string, string?>
    {
        ["status"] = model.Filter.Status?.ToString(),
        ["source"] = model.Filter.Source,
        ["since"] = model.Since,
        ["person"] = model.Filter.PersonKey,
        ["cursor"] = cursor,
    });

    /// <summary>What a lead says, with the paths; what is empty, or stands elsewhere on the page, is left out.</summary>
    public static IEnumerable<(string Name, string Value)> Fields(JsonObject lead) => Leaves(lead).Where(l => l.Name is not ("leadId" or "source" or "receivedAt"));

    /// <summary>An event in words; one of a step with the step.</summary>
    public static string What(AuditEvent e) => e.Payload is { ValueKind: JsonValueKind.Object } payload && payload.TryGetProperty("tool", out var tool) && tool.ValueKind == JsonValueKind.String
        ? $"{Words.Kind(e.Stage, e.Kind)}: {Words.Sentence(tool.GetString()).ToLowerInvariant()}"
        : Words.Kind(e.Stage, e.Kind);

    private static IEnumerable<(string Name, string Value)> Leaves(JsonObject tree, string prefix = "") => tree.SelectMany(member => member.Value switch
    {
        null => [],
        JsonObject inner => Leaves(inner, $"{prefix}{member.Key}."),
        JsonArray { Count: 0 } => [],
        var value => JsonReading.Plain(value) is { Length: > 0 } text ? [(prefix + member.Key, text)] : Enumerable.Empty<(string, string)>(),
    });

    private static RouteDescription Order(string id, string summary) =>
        ConsoleRoutes.Acts(id, summary, "ConsoleForm", ConsoleRoutes.Html(404, "No such lead."), ConsoleRoutes.Html(409, "Not in the state that the lead is in."));

    // Who may act need not be one who may read leads.
    private static string Back(Guid id, string said, HttpContext context) =>
        context.User.IsInRole(Access.Reader) || context.User.IsInRole(Access.Admin) ? $"/ops/leads/{id}?said={said}" : $"/ops?said={said}";

    private static async Task<IResult> ListAsync(HttpContext context, LeadQueries leads, TimeProvider time, string? status = null, string? source = null, string? since = null, string? person = null, string? cursor = null)
    {
        var filter = new LeadFilter
        {
            Status = Enum.TryParse<LeadStatus>(status, ignoreCase: true, out var wanted) && Enum.IsDefined(wanted) ? wanted : null,
            Source = string.IsNullOrWhiteSpace(source) ? null : source.Trim(),
            PersonKey = string.IsNullOrEmpty(person) ? null : person,
            Since = Span(since) is { } span ? time.GetUtcNow() - span : null,
        };
        try
        {
            var (items, next) = await leads.ListAsync(filter, PageSize, cursor, full: false, context.RequestAborted);
            return new PageResult<LeadsPage, LeadsModel>(new LeadsModel(filter, since, items, next));
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            return ConsoleRoutes.Missing("page");
        }
    }

    private static async Task<IResult> SearchAsync(HttpContext context, LeadQueries leads)
    {
        var sought = (await context.Request.ReadFormAsync(context.RequestAborted))["q"].ToString().Trim();
        if (Guid.TryParse(sought, out var id))
            return new SeeOther($"/ops/leads/{id}");
        // By the keyed hash, so that nothing personal is in an address, and in no log of one.
        if (EmailAddress.TryNormalise(sought, out var email, out _))
            return new SeeOther($"/ops/leads?person={leads.PersonKey(email)}");
        return new PageResult<LeadsPage, LeadsModel>(new LeadsModel(new LeadFilter(), null, [], null, "That is neither the id of a lead nor an e-mail address."), 404);
    }

    private static async Task<IResult> ShowAsync(Guid id, bool full, HttpContext context, LeadQueries leads, string? said = null)
    {
        if (await leads.FindAsync(id, full, context.RequestAborted) is not { } lead)
            return ConsoleRoutes.Missing("lead");
        var audit = await leads.AuditAsync(id, context.RequestAborted) ?? [];
        return new PageResult<LeadPage, LeadModel>(new LeadModel(lead, audit, full, Access.MaySeePersonalData(context.User)), said: said);
    }

    private static async Task<IResult> RevealAsync(Guid id, HttpContext context, LeadQueries leads, PersonalDataViews views) =>
        await views.WriteAsync(id, "console", OperatorBody.Actor(context), context.RequestAborted) switch
        {
            OperatorAnswer.Done => await ShowAsync(id, full: true, context, leads),
            null => await ShowAsync(id, full: false, context, leads, Notices.Of("not-written")),
            OperatorAnswer.Refused refused => ConsoleRoutes.Refused(refused.Detail),
            _ => ConsoleRoutes.Missing("lead"),
        };

    private static async Task<IResult> EraseAsync(Guid id, HttpContext context, LeadOperations operations) =>
        (await context.Request.ReadFormAsync(context.RequestAborted))["sure"] == "yes"
            ? ConsoleRoutes.Answer(await operations.EraseAsync(id, OperatorBody.Actor(context), context.RequestAborted), Back(id, "erased", context))
            : ConsoleRoutes.Refused("Tick the box first: what is erased cannot be brought back.");

    private static TimeSpan? Span(string? text) => text switch
    {
        "1h" => TimeSpan.FromHours(1),
        "24h" => TimeSpan.FromDays(1),
        "7d" => TimeSpan.FromDays(7),
        "30d" => TimeSpan.FromDays(30),
        _ => null,
    };
}
