using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Tests.Grounding;

public sealed class ShapeTests
{
    private const string Claim = """{"source":"ENRICHMENT","fieldPath":"enrichment.foundedYear","claimType":"FIRMOGRAPHIC","value":2009}""";

    [TestCase("""{"evidence":[],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":10,"extra":1}""", "extra")]
    [TestCase("""{"evidence":[],"evidence":[],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":10}""", "evidence")]
    [TestCase("""{"evidence":[],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":1e999}""", "fitScore")]
    [TestCase("""{"evidence":[],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":85.5}""", "fitScore")]
    [TestCase("""{"evidence":[],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":101}""", "fitScore")]
    [TestCase("""{"evidence":[],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":"85"}""", "fitScore")]
    [TestCase("""{"evidence":[],"reasoning":"","intent":"HUGE_FIT","decision":"NURTURE","fitScore":10}""", "intent")]
    [TestCase("""{"evidence":[],"reasoning":"","intent":"low_fit","decision":"NURTURE","fitScore":10}""", "intent")]
    [TestCase("""{"evidence":[],"reasoning":"","intent":"LOW_FIT","decision":1,"fitScore":10}""", "decision")]
    [TestCase("""{"evidence":[],"intent":"LOW_FIT","decision":"NURTURE","fitScore":10}""", "reasoning")]
    [TestCase("""{"evidence":{},"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":10}""", "evidence")]
    [TestCase("""{"evidence":["x"],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":10}""", "evidence[0]")]
    [TestCase("""{"evidence":[],"reasoning":"\ud800","intent":"LOW_FIT","decision":"NURTURE","fitScore":10}""", "reasoning")]
    [TestCase("""{"evidence":[{"source":"ENRICHMENT","fieldPath":"enrichment.foundedYear","claimType":"FIRMOGRAPHIC","value":2009,"note":1}],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":10}""", "evidence[0].note")]
    [TestCase("""{"evidence":[{"source":"ENRICHMENT","fieldPath":"enrichment.foundedYear","claimType":"FIRMOGRAPHIC","value":1e999}],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":10}""", "evidence[0].value")]
    [TestCase("""{"evidence":[{"source":"ENRICHMENT","fieldPath":"enrichment.foundedYear","claimType":"FIRMOGRAPHIC","value":2009,"value":2009}],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":10}""", "evidence[0].value")]
    [TestCase("""{"evidence":[{"source":"ENRICHMENT","fieldPath":"enrichment.foundedYear","claimType":"FIRMOGRAPHIC","value":2009,"central":"yes"}],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":10}""", "evidence[0].central")]
    [TestCase("""{"evidence":[{"source":"ENRICHMENT","fieldPath":"enrichment.foundedYear","claimType":"OTHER","value":2009}],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":10}""", "evidence[0].claimType")]
    [TestCase("[]", "")]
    [TestCase("null", "")]
    [TestCase("\"text\"", "")]
    public void A_fault_of_shape_rejects_and_names_its_place(string analysis, string path)
    {
        var result = new GroundingCase().GroundAnalysis(analysis);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(GroundingStatus.REJECTED));
            Assert.That(result.Errors.Select(e => (e.Code, e.Path)), Does.Contain(("G1", path)));
            Assert.That((result.Intent, result.Decision, result.FitScore), Is.EqualTo(((LeadIntent?)null, (LeadDecision?)null, (int?)null)));
        }
    }

    [TestCase(50, false)]
    [TestCase(51, true)]
    public void Fifty_items_are_enough(int items, bool rejected)
    {
        var evidence = string.Join(',', Enumerable.Repeat(Claim, items));

        var result = new GroundingCase().GroundAnalysis($$"""{"evidence":[{{evidence}}],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":10}""");

        Assert.That(result.Status == GroundingStatus.REJECTED, Is.EqualTo(rejected));
    }

    [TestCase(4096, false)]
    [TestCase(4097, true)]
    public void Reasoning_is_measured_in_bytes(int bytes, bool rejected)
    {
        var text = new string('é', bytes / 2) + new string('x', bytes % 2);

        var result = new GroundingCase().Saying(text).Ground();

        Assert.That(result.Status == GroundingStatus.REJECTED, Is.EqualTo(rejected));
    }

    [TestCase("85.0", 85)]
    [TestCase("1e1", 10)]
    [TestCase("0", 0)]
    public void A_whole_number_is_an_integer_however_it_is_written(string score, int expected)
    {
        var result = new GroundingCase().GroundAnalysis($$"""{"evidence":[],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":{{score}}}""");

        Assert.That((result.Status, result.FitScore), Is.EqualTo((GroundingStatus.VALID, (int?)expected)));
    }

    [Test]
    public void A_rejected_analysis_keeps_what_the_model_said()
    {
        var given = GroundingCase.HighFit();
        given.Analysis["extra"] = JsonValue.Create(1);

        var result = given.Ground();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((result.Model.Intent, result.Model.Decision), Is.EqualTo(("HIGH_FIT", "ROUTE_TO_SDR")));
            Assert.That(result.Model.FitScore!.Value.GetInt32(), Is.EqualTo(90));
            Assert.That(result.Claims.Select(c => c.Verdict), Is.All.EqualTo(ClaimVerdict.SUPPORTED));
        }
    }

    [TestCase("""{"evidence":[],"reasoning":"\ud800","intent":"HIGH_FIT","decision":"NURTURE","fitScore":10}""")]
    [TestCase("""{"evidence":[],"\ud800":1,"reasoning":"","intent":"HIGH_FIT","decision":"NURTURE","fitScore":10}""")]
    public void What_the_model_said_is_kept_when_other_text_of_it_cannot_be_read(string analysis)
    {
        var result = new GroundingCase().GroundAnalysis(analysis);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(GroundingStatus.REJECTED));
            Assert.That((result.Model.Intent, result.Model.Decision, result.Model.FitScore!.Value.GetInt32()), Is.EqualTo(("HIGH_FIT", "NURTURE", 10)));
        }
    }

    [TestCase(40)]
    [TestCase(45)]
    [TestCase(46)]
    [TestCase(58)]
    public void Nesting_rejects_and_the_verdict_can_be_written(int levels)
    {
        var value = new string('[', levels) + new string(']', levels);

        var result = new GroundingCase().GroundAnalysis(
            $$"""{"evidence":[{"source":"ENRICHMENT","fieldPath":"enrichment.foundedYear","claimType":"FIRMOGRAPHIC","value":{{value}}}],"reasoning":"","intent":"LOW_FIT","decision":"NURTURE","fitScore":{{value}}}""");

        Assert.That(result.Status, Is.EqualTo(GroundingStatus.REJECTED));
        Assert.That(() => JsonSerializer.SerializeToNode(result, ContractsJson.Default.GroundingResult), Throws.Nothing);
    }
}
