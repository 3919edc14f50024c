"""Go."""

from tests.conformance.samples.sample import Samples

GO = Samples(
    language="go",
    prints='import "fmt"\nfmt.Println("hello, world")',
    complains='import (\n"fmt"\n"os"\n)\nfmt.Fprintln(os.Stderr, "test")',
    small="1+1",
    assign="x := 41",
    use="x + 1",
    undefined="undefined: x",
    mixes='import (\n"fmt"\n"os"\n)\nfmt.Println("out1")\nfmt.Fprintln(os.Stderr, "err1")\nfmt.Println("out2")',
    orders={
        "streams": (
            'import (\n"fmt"\n"os"\n)\nfor n := 0; n < 5; n++ {\n\tfmt.Println("out", n)\n'
            '\tfmt.Fprintln(os.Stderr, "err", n)\n}'
        ),
        "displays": 'import "fmt"\nfor n := 0; n < 5; n++ {\n\tfmt.Println("out", n)\n\tdisplay.Show(n)\n}',
    },
    holds='import "fmt"\nfmt.Print(`\n%era list\n`)',
    child='import (\n"os"\n"os/exec"\n)\nc := exec.Command("echo", "from a child")\nc.Stdout = os.Stdout\n_ = c.Run()',
    megabytes='import "fmt"\nfor n := 0; n < 125000; n++ {\n\tfmt.Printf("%079d\\n", n)\n}',
    odd='import "fmt"\nfmt.Println("é€😀\\x00")',
    long_line='import (\n"fmt"\n"strings"\n)\nfmt.Println(strings.Repeat("x", 1000000))',
    surrogate='import "fmt"\nfmt.Println(len("\ud800") > 0)',
    fails='y := 0\n\npanic("no")',
    fails_as="panic",
    fails_where="3",
    endless={
        "computing": 'import "fmt"\nfmt.Println("running")\nfor {\n}',
        "sleeping": 'import (\n"fmt"\n"time"\n)\nfmt.Println("running")\ntime.Sleep(600 * time.Second)',
        "reading": 'import "fmt"\nfmt.Println("running")\n<-make(chan int)',
    },
    exits='import (\n"fmt"\n"os"\n)\nfmt.Println("bye")\nos.Exit(3)',
    outgrows='import "bytes"\nvar kept [][]byte\nfor {\n\tkept = append(kept, bytes.Repeat([]byte{1}, 1<<20))\n}',
    bombs='import "os/exec"\n_ = exec.Command("bash", "-c", "b() { b | b & }; b; wait").Run()',
    eats="%%go run\nfunc main() {\n\tfor s := []byte{1}; ; {\n\t\ts = append(s, s...)\n\t}\n}",
    random=(
        'import (\n"fmt"\n"math/rand"\nsecret "crypto/rand"\n)\n'
        "drawn := make([]byte, 16)\n_, _ = secret.Read(drawn)\n"
        'fmt.Printf("%v %v %v %x\\n", rand.Float64(), rand.Int63(), rand.Uint64(), drawn)'
    ),
    asks='import "fmt"\nvar name string\nfmt.Scan(&name)\nfmt.Println("hello", name)',
    complete=("1", 'fmt.Println("hello, world")', "func f(x int) int { return x * 2 }"),
    incomplete=("s := `hello", "func f(x int) int {", "for i := 0; i < 3; i++ {"),
    invalid=("x := = 7", "func ) {"),
    completes=(("strings.ToUp", "strings.ToUpper"), ('"größe"; strings.ToUp', '"größe"; strings.ToUpper')),
    inspects="fmt.Println",
    inspected="Println",
    results=(("1+2+3", "6"), ("[]int{1, 4, 9}", "[]int{1, 4, 9}")),
    displays={
        "image/png": 'display.PNG([]byte("\\x89PNG\\r\\n\\x1a\\n"))',
        "text/html": 'display.HTML("<b>x</b>")',
    },
    shows={
        "text/html": 'display.HTML("<b>x</b>")',
        "text/markdown": 'display.Markdown("**x**")',
        "image/svg+xml": 'display.SVG(`<svg xmlns="http://www.w3.org/2000/svg"/>`)',
        "image/png": 'display.PNG([]byte("\\x89PNG\\r\\n\\x1a\\n"))',
        "application/json": 'display.JSON(map[string][]int{"x": {1}})',
    },
    clears="display.Clear(false)",
)
