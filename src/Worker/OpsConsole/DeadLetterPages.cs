using System.Globalization;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.OpsConsole.Pages;
using LeadPipeline.Worker.OpsConsole.Views;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>Dead letters: groups, one by one, preview and replay.</summary>
internal static class DeadLetterPages
{
    private const int PageSize = 50, PreviewSize = 20, JobsShown = 5, LongestNote = 1000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static void MapDeadLetterPages(this IEndpointRouteBuilder app)
    {
        var operate = app.Pages(Access.Operator);
        operate.MapGet("/dead-letters", ListAsync).Describe(ConsoleRoutes.Looks("consoleDeadLetters", "What failed for good, in groups by cause and one by one."));
        operate.MapGet("/dead-letters/preview", PreviewAsync).Describe(ConsoleRoutes.Looks("consolePreviewReplay", "What a replay would do.", ConsoleRoutes.Html(404, "Nothing is named.")));
        operate.MapPost("/dead-letters/replay", ReplayAsync).Describe(ConsoleRoutes.Acts("consoleReplayDeadLetters", "Sends dead letters on their way again.", "ConsoleReplay", ConsoleRoutes.Html(409, "Nothing is named, or the rate is none.")));
        operate.MapGet("/dead-letters/jobs/{id:guid}", async (Guid id, HttpContext context, ReplayJobStore jobs) =>
            await jobs.FindAsync(id, context.RequestAborted) is { } job ? new PageResult<ReplayJobPage, ReplayJob>(job) : ConsoleRoutes.Missing("replay"))
            .Describe(ConsoleRoutes.Looks("consoleReplayJob", "How far a replay has come.", ConsoleRoutes.Html(404, "No such replay.")));
        operate.MapPost("/dead-letters/jobs/{id:guid}/stop", StopAsync).Describe(ConsoleRoutes.Acts("consoleStopReplay", "Ends a replay where it is.", "ConsoleForm", ConsoleRoutes.Html(404, "No such replay.")));
        operate.MapPost("/dead-letters/notes", NoteAsync).Describe(ConsoleRoutes.Acts("consoleNoteDeadLetters", "Writes a note on a group.", "ConsoleNote", ConsoleRoutes.Html(409, "There is no text, or too much.")));
        operate.MapPost("/dead-letters/{id:guid}/discard", DiscardAsync)
            .Describe(ConsoleRoutes.Acts("consoleDiscardDeadLetter", "Puts a dead letter aside for good.", "ConsoleReason", ConsoleRoutes.Html(404, "No such dead letter."), ConsoleRoutes.Html(409, "It is not open, or there is no reason.")));
    }

    private static async Task<IResult> ListAsync(HttpContext context, DeadLetterStore store, DeadLetterActs acts, ReplayJobStore jobs, string? state = null, string? group = null, string? search = null)
    {
        var shown = DeadLetterStore.States.Contains(state) ? state! : "open";
        var groups = await store.GroupsAsync(shown, context.RequestAborted);
        var sought = string.IsNullOrWhiteSpace(search) ? null : search.Trim();
        var items = await store.ListAsync(shown, group, sought, PageSize, context.RequestAborted);
        var notes = (await acts.NotesAsync(context.RequestAborted)).ToLookup(n => n.Group ?? "");
        var latest = await jobs.ListAsync(null, JobsShown, context.RequestAborted);
        return new PageResult<DeadLettersPage, DeadLettersModel>(new DeadLettersModel(shown, group, sought, groups, items.ConvertAll(DeadLetterStore.Json), notes, latest));
    }

    private static async Task<IResult> PreviewAsync(HttpContext context, DeadLetterOperations operations, Guid[]? id = null, string? group = null, bool all = false)
    {
        var selection = new DeadLetterSelection(id ?? [], group, all);
        if (selection.IsEmpty)
            return ConsoleRoutes.Missing("dead letter");
        var (open, _) = await operations.SelectAsync(selection, context.RequestAborted);
        var items = await operations.PreviewAsync([.. open.Take(PreviewSize)], context.RequestAborted);
        return new PageResult<ReplayPage, ReplayModel>(new ReplayModel(selection.Ids, group, all, open.Count, items));
    }

    private static async Task<IResult> ReplayAsync(HttpContext context, DeadLetterOperations operations, ReplayJobStore jobs, DeadLetterActs acts)
    {
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var ids = form["id"].Select(i => Guid.TryParse(i, out var id) ? id : (Guid?)null).OfType<Guid>().ToList();
        var selection = new DeadLetterSelection(ids, form["group"].ToString() is { Length: > 0 } group ? group : null, form["all"] == "true");
        if (selection.IsEmpty)
            return ConsoleRoutes.Refused("Nothing was selected.");
        double? rate = null;
        if (form["rate"].ToString().Trim() is { Length: > 0 } text)
        {
            if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) || number is < 0.01 or > 1000)
                return ConsoleRoutes.Refused("The rate is a number from 0.01 to 1000, in dead letters a second.");
            rate = number;
        }
        var (open, _) = await operations.SelectAsync(selection, context.RequestAborted);
        if (open.Count == 0)
            return new SeeOther("/ops/dead-letters?said=nothing");
        var job = await ReplayJobs.OrderAsync(jobs, acts, open, new ReplayPace(form["ramp"] == "true", rate, Patience), OperatorBody.Actor(context), context.RequestAborted);
        return new SeeOther($"/ops/dead-letters/jobs/{job.Id}?said=replaying");
    }

    private static async Task<IResult> StopAsync(Guid id, HttpContext context, ReplayJobStore jobs, DeadLetterActs acts)
    {
        if (await jobs.StopAsync(id, context.RequestAborted) is null)
            return ConsoleRoutes.Missing("replay");
        await acts.RecordAsync(OperatorBody.Actor(context), "replay_stopped", null, null, $"job {id}", context.RequestAborted);
        return new SeeOther($"/ops/dead-letters/jobs/{id}?said=stopped");
    }

    private static async Task<IResult> NoteAsync(HttpContext context, DeadLetterActs acts)
    {
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        if (form["group"].ToString() is not { Length: > 0 and <= 300 } group || form["text"].ToString().Trim() is not { Length: > 0 and <= LongestNote } text)
            return ConsoleRoutes.Refused("Say what the next one should know, in at most 1000 characters.");
        await acts.RecordAsync(OperatorBody.Actor(context), DeadLetterActs.Noted, null, group, text, context.RequestAborted);
        return new SeeOther($"/ops/dead-letters?group={Uri.EscapeDataString(group)}&said=noted");
    }

    private static async Task<IResult> DiscardAsync(Guid id, HttpContext context, DeadLetterOperations operations)
    {
        if (await ConsoleForms.ReasonAsync(context) is not { } reason)
            return ConsoleForms.NoReason();
        return await operations.DiscardAsync(id, reason, OperatorBody.Actor(context), context.RequestAborted) switch
        {
            DiscardAnswer.Done => new SeeOther("/ops/dead-letters?said=discarded"),
            DiscardAnswer.NotOpen => ConsoleRoutes.Refused("Somebody has replayed or discarded it."),
            _ => ConsoleRoutes.Missing("dead letter"),
        };
    }
}
